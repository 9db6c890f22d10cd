"""What is cleaned up: at the start again and again, from the start on: what nobody needs any more."""

import asyncio
import time
from pathlib import Path

import structlog

from bot.studio import Studio

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
    """One round."""
    await studio.store.tidy()
    await studio.store.cache_clear(studio.settings.cache.max_age_days * 86400.0)
    await studio.files.prune(await studio.store.named_files(), UPLOADS_STAY)
    await asyncio.to_thread(_drop_previews, studio.settings.bot.data_dir / "previews")


def _drop_previews(folder: Path) -> None:
    oldest = time.time() - PREVIEWS_STAY
    for path in folder.glob("*.webp"):
        if path.stat().st_mtime < oldest:
            path.unlink()
