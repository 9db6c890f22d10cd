"""What nobody needs any more is cleaned up, again and again, from the start on."""

import asyncio
import contextlib
import shutil
import time
from pathlib import Path

import structlog

from bot.app import Studio
from engine.core.artifact_cache import Parts
from engine.core.stage_store import FOLDER, SCRATCH, Stages

log = structlog.get_logger()

ROUND = 600.0
"""Seconds between two rounds."""
UPLOADS_STAY = 3600.0
"""Seconds that a file stays which neither the cache nor an unfinished job names."""
PREVIEWS_STAY = 600.0
"""Seconds that a preview stays: nobody shows it after its job."""


async def keep_tidy(studio: Studio) -> None:
    """Until cancelled."""
    while True:
        await tidy(studio)
        await asyncio.sleep(ROUND)


async def tidy(studio: Studio) -> None:
    """One round. What fails is left for the next, and nothing else with it: a full disk takes no rows but gives files
    back.
    """
    for chore in (_rows, _previews, _scratch, _files):
        try:
            await chore(studio)
        except Exception:
            log.exception("not tidied; it is tried again", chore=chore.__name__, again_in=ROUND)


async def _rows(studio: Studio) -> None:
    await studio.store.tidy()
    await studio.store.cache_clear(studio.settings.cache.max_age_days * 86400.0)


async def _previews(studio: Studio) -> None:
    folder = studio.settings.bot.data_dir
    await asyncio.to_thread(_drop_previews, folder / "previews")


async def _scratch(studio: Studio) -> None:
    settings = studio.settings
    await asyncio.to_thread(_drop_scratch, settings.bot.data_dir / SCRATCH, settings.engine.timeout + ROUND)


async def _files(studio: Studio) -> None:
    folder = studio.settings.bot.data_dir
    staged = await _stages(studio, folder)
    parts = await asyncio.to_thread(Parts(folder).files)
    await studio.files.prune(await studio.store.named_files() | staged | parts, UPLOADS_STAY)


async def _stages(studio: Studio, folder: Path) -> set[str]:
    """Drops what the stages of ended jobs kept; the hashes of the files that the others' have made."""
    found = {path.name for path in (folder / FOLDER).glob("*")}  # first: a job that begins now is not among them
    unfinished = {row.job.id for row in await studio.store.unfinished()}
    for job in found - unfinished:
        await asyncio.to_thread(shutil.rmtree, folder / FOLDER / job)
    return {sha256 for job in found & unfinished for sha256 in Stages(folder, job).files()}


def _drop_previews(folder: Path) -> None:
    oldest = time.time() - PREVIEWS_STAY
    for path in folder.glob("*.webp"):
        if path.stat().st_mtime < oldest:
            path.unlink()


def _drop_scratch(folder: Path, longest: float) -> None:
    """What a killed worker left: no run lasts longer than `longest` seconds."""
    for path in folder.glob("*"):
        with contextlib.suppress(FileNotFoundError):  # a job that ends now takes its own away
            if path.stat().st_mtime < time.time() - longest:
                shutil.rmtree(path)
