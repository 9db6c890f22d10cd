"""Periodic clean-up of expired rows, cached results and files."""

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
"""Seconds between two clean-ups."""
UPLOAD_TTL_SECONDS = 3600.0
"""Seconds after which a file is deleted that neither the cache nor an unfinished job refers to."""
PREVIEW_TTL_SECONDS = 600.0
"""Seconds after which a preview is deleted. No message shows it after its job has ended."""


async def cleanup_forever(studio: AppContext) -> None:
    """Clean up every CLEANUP_INTERVAL_SECONDS until cancelled."""
    while True:
        await clean_up(studio)
        await asyncio.sleep(CLEANUP_INTERVAL_SECONDS)


async def clean_up(studio: AppContext) -> None:
    """Clean up once. An error in one step does not stop the others: on a full disk, files can still be deleted."""
    for step in (_delete_rows, _delete_previews, _delete_scratch, _delete_files):
        try:
            await step(studio)
        except Exception:
            log.exception("clean-up step failed", step=step.__name__, retry_in_seconds=CLEANUP_INTERVAL_SECONDS)


async def _delete_rows(studio: AppContext) -> None:
    await studio.store.delete_expired()
    await studio.store.clear_cache(studio.settings.cache.max_age_days * 86400.0)


async def _delete_previews(studio: AppContext) -> None:
    folder = studio.settings.bot.data_dir
    await asyncio.to_thread(_delete_old_previews, folder / "previews")


async def _delete_scratch(studio: AppContext) -> None:
    settings = studio.settings
    await asyncio.to_thread(
        _delete_old_scratch, settings.bot.data_dir / SCRATCH, settings.engine.timeout + CLEANUP_INTERVAL_SECONDS
    )


async def _delete_files(studio: AppContext) -> None:
    folder = studio.settings.bot.data_dir
    staged = await _delete_stages(studio, folder)
    artifacts = await asyncio.to_thread(ArtifactCache(folder).files)
    await studio.files.prune(await studio.store.referenced_files() | staged | artifacts, UPLOAD_TTL_SECONDS)


async def _delete_stages(studio: AppContext, folder: Path) -> set[str]:
    """Delete the stored stages of jobs that ended, and return the SHA-256 of each file in the stages of other jobs."""
    stored = {path.name for path in (folder / FOLDER).glob("*")}  # before the query, so that no new job is among them
    unfinished = {row.job.id for row in await studio.store.unfinished_jobs()}
    for job in stored - unfinished:
        await asyncio.to_thread(shutil.rmtree, folder / FOLDER / job)
    return {sha256 for job in stored & unfinished for sha256 in StageStore(folder, job).files()}


def _delete_old_previews(folder: Path) -> None:
    oldest = time.time() - PREVIEW_TTL_SECONDS
    for path in folder.glob("*.webp"):
        if path.stat().st_mtime < oldest:
            path.unlink()


def _delete_old_scratch(folder: Path, max_run_seconds: float) -> None:
    """Delete the temporary folders that killed workers left behind: no run takes longer than `max_run_seconds`."""
    for path in folder.glob("*"):
        with contextlib.suppress(FileNotFoundError):  # a job that ends just now deletes its own
            if path.stat().st_mtime < time.time() - max_run_seconds:
                shutil.rmtree(path)
