"""The state of the queue that survives a restart: its mode, how long runs take, and who used the devices recently."""

import asyncio
import time
from typing import Protocol, cast, get_args

import structlog

from bot.app import AppContext
from engine.core.errors import Unwritten
from engine.host.engine import Mode, RunClass

log = structlog.get_logger()

NOTE = "queue"
"""The name of the note with the mode."""
USAGE_WINDOW_SECONDS = 6000.0
"""Seconds after which a user's device time no longer counts."""


async def restore(studio: AppContext) -> None:
    """Restore the mode, the run times and the device usage. Call this before the first job."""
    engine, store = studio.engine, studio.store
    mode = await store.get_note(NOTE)
    if mode in get_args(Mode):
        engine.mode = cast("Mode", mode)
    for *kind, seconds in await store.recent_runs():
        engine.durations.add(RunClass(*kind), seconds)
    for user, seconds, ended in await store.device_usage(time.time() - USAGE_WINDOW_SECONDS):
        engine.device_queue.charge(user, seconds, ended)


class HasMode(Protocol):
    """The part of the engine that decides whether jobs start."""

    mode: Mode


class NoteStore(Protocol):
    """The part of the store that holds notes."""

    async def set_note(self, name: str, value: str) -> None:
        """Store a note."""


class ModeSwitch(Protocol):
    """What is needed to set the mode of the queue."""

    @property
    def engine(self) -> HasMode:
        """Return the mode."""

    @property
    def store(self) -> NoteStore:
        """Return the notes."""


async def set_mode(studio: ModeSwitch, mode: Mode) -> None:
    """Set the mode of the queue and store it for the next start."""
    await studio.store.set_note(NOTE, mode)
    studio.engine.mode = mode


async def record_durations(studio: AppContext) -> None:
    """Store the duration of each run until cancelled."""
    durations: asyncio.Queue[tuple[RunClass, float]] = asyncio.Queue()
    studio.engine.durations.on_record = lambda kind, seconds: durations.put_nowait((kind, seconds))
    while True:
        kind, seconds = await durations.get()
        try:
            await studio.store.record_run((kind.task, kind.model, kind.size, kind.device, seconds))
        except Unwritten as error:
            log.warning("cannot store the duration of a run", task=kind.task, why=str(error))
