"""What nobody needs any more is cleaned up, again and again, from the start on."""

import asyncio
import contextlib
import shutil
import time
from pathlib import Path

import structlog

from bot.app import AppContext
from engine.core.artifact_cache import ArtifactCache
from engine.core.stage_store import FOLDER, SCRATCH, StageStore

log = structlog.get_logger()

CLEANUP_INTERVAL_SECONDS = 600.0
"""Seconds between two rounds."""
UPLOAD_TTL_SECONDS = 3600.0
"""Seconds that a file stays which neither the cache nor an unfinished job names."""
PREVIEW_TTL_SECONDS = 600.0
"""Seconds that a preview stays: nobody shows it after its job."""


async def cleanup_forever(studio: AppContext) -> None:
    """Until cancelled."""
    while True:
        await clean_up(studio)
        await asyncio.sleep(CLEANUP_INTERVAL_SECONDS)


async def clean_up(studio: AppContext) -> None:
    """One round. What fails is left for the next, and nothing else with it: a full disk takes no rows but gives files
    back.
    """
    for chore in (_rows, _previews, _scratch, _files):
        try:
            await chore(studio)
        except Exception:
            log.exception("not tidied; it is tried again", chore=chore.__name__, again_in=CLEANUP_INTERVAL_SECONDS)


async def _rows(studio: AppContext) -> None:
    await studio.store.delete_expired()
    await studio.store.clear_cache(studio.settings.cache.max_age_days * 86400.0)


async def _previews(studio: AppContext) -> None:
    folder = studio.settings.bot.data_dir
    await asyncio.to_thread(_drop_previews, folder / "previews")


async def _scratch(studio: AppContext) -> None:
    settings = studio.settings
    await asyncio.to_thread(
        _drop_scratch, settings.bot.data_dir / SCRATCH, settings.engine.timeout + CLEANUP_INTERVAL_SECONDS
    )


async def _files(studio: AppContext) -> None:
    folder = studio.settings.bot.data_dir
    staged = await _stages(studio, folder)
    parts = await asyncio.to_thread(ArtifactCache(folder).files)
    await studio.files.prune(await studio.store.referenced_files() | staged | parts, UPLOAD_TTL_SECONDS)


async def _stages(studio: AppContext, folder: Path) -> set[str]:
    """Drops what the stages of ended jobs kept; the hashes of the files that the others' have made."""
    found = {path.name for path in (folder / FOLDER).glob("*")}  # first: a job that begins now is not among them
    unfinished = {row.job.id for row in await studio.store.unfinished_jobs()}
    for job in found - unfinished:
        await asyncio.to_thread(shutil.rmtree, folder / FOLDER / job)
    return {sha256 for job in found & unfinished for sha256 in StageStore(folder, job).files()}


def _drop_previews(folder: Path) -> None:
    oldest = time.time() - PREVIEW_TTL_SECONDS
    for path in folder.glob("*.webp"):
        if path.stat().st_mtime < oldest:
            path.unlink()


def _drop_scratch(folder: Path, longest: float) -> None:
    """What a killed worker left: no run lasts longer than `longest` seconds."""
    for path in folder.glob("*"):
        with contextlib.suppress(FileNotFoundError):  # a job that ends now takes its own away
            if path.stat().st_mtime < time.time() - longest:
                shutil.rmtree(path)
