"""What the line keeps over a restart: whether it is held, how long runs take, and who used the devices lately."""

import asyncio
import time
from typing import cast, get_args

import structlog

from bot.app import AppContext
from engine.core.errors import Unwritten
from engine.host.engine import Mode, RunClass

log = structlog.get_logger()

NOTE = "queue"
USAGE_WINDOW_SECONDS = 6000.0
"""Seconds after which what somebody used has faded."""


async def restore(studio: AppContext) -> None:
    """Before the first job: the line as it was left."""
    engine, store = studio.engine, studio.store
    mode = await store.get_note(NOTE)
    if mode in get_args(Mode):
        engine.mode = cast("Mode", mode)
    for *kind, seconds in await store.recent_runs():
        engine.durations.add(RunClass(*kind), seconds)
    for user, seconds, ended in await store.device_usage(time.time() - USAGE_WINDOW_SECONDS):
        engine.device_queue.charge(user, seconds, ended)


async def set_mode(studio: AppContext, mode: Mode) -> None:
    """From now on, and after a restart as well."""
    await studio.store.set_note(NOTE, mode)
    studio.engine.mode = mode


async def record_durations(studio: AppContext) -> None:
    """Until cancelled: how long runs take goes into the store."""
    learnt: asyncio.Queue[tuple[RunClass, float]] = asyncio.Queue()
    studio.engine.durations.on_record = lambda kind, seconds: learnt.put_nowait((kind, seconds))
    while True:
        kind, seconds = await learnt.get()
        try:
            await studio.store.record_run((kind.task, kind.model, kind.size, kind.device, seconds))
        except Unwritten as error:
            log.warning("not learnt", task=kind.task, why=str(error))
