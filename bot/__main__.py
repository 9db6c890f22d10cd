"""`python -m bot`: open store, engine and adapters, serve until SIGINT or SIGTERM, and close them in reverse order."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path

import structlog

from bot import logs
from bot.adapters import registry
from bot.app import AppContext
from bot.commands import COMMANDS
from bot.config.settings import Settings, load
from bot.data_dir import lock_data_dir
from bot.maintenance import cleanup, loop_watchdog, queue_state
from bot.requests.service import Service
from engine.core.devices import devices
from engine.core.errors import AtelierError
from engine.core.settings import WorkerSettings
from engine.host.background import restart_forever, running_in_background
from engine.host.engine import Engine, HostSettings
from storage.files import Files
from storage.store import Store

log = structlog.get_logger()


def main(arguments: list[str]) -> int:
    """Serve until a signal, and return the exit code: 0, or 2 after an error that stderr explains."""
    logs.configure()
    try:
        options = _parse_arguments(arguments)
        asyncio.run(_serve(load(options.config, os.environ, COMMANDS), debug=options.debug))
    except AtelierError as error:
        print(f"atelier: {error}", file=sys.stderr)
        return 2
    return 0


@asynccontextmanager
async def open_service(settings: Settings) -> AsyncIterator[Service]:
    """Open the data folder, store and engine, start the background tasks, and yield the service over them."""
    folder = settings.bot.data_dir
    with lock_data_dir(folder):
        async with (
            Store.open(folder / "atelier.db", cache_bytes=settings.cache.max_bytes) as store,
            Engine.open(host_settings(settings)) as engine,
        ):
            studio = AppContext(settings, store, _files(settings), engine, COMMANDS)
            await queue_state.restore(studio)
            cleaning = restart_forever("cleanup", partial(cleanup.cleanup_forever, studio))
            recording = restart_forever("recording durations", partial(queue_state.record_durations, studio))
            async with running_in_background(cleaning, recording):
                yield Service(studio)


def _files(settings: Settings) -> Files:
    media = settings.media
    return Files(
        settings.bot.data_dir / "media",
        media.max_bytes,
        media.max_pixels,
        max_seconds=media.max_length,
        max_frames=media.max_frames,
    )


def host_settings(settings: Settings) -> HostSettings:
    """Return the engine's settings.

    A field of `[engine]` reaches the workers if WorkerSettings has one of the same name.
    """
    shared = {name: value for name, value in settings.engine if name in WorkerSettings.model_fields}
    worker = {
        **shared,
        "device": "cpu",  # the host gives each worker its own device
        "folder": settings.bot.data_dir,
        "models": settings.models.engine_names(),
        "noncommercial": settings.models.accept_noncommercial_weights,
        "max_pixels": settings.media.max_pixels,
    }
    return HostSettings(
        devices=devices(settings.engine.device),
        worker=WorkerSettings.model_validate(worker),
        timeout=settings.engine.timeout,
        cpu_lane=True,
    )


async def _serve(settings: Settings, *, debug: bool = False) -> None:
    """Serve until a signal. With `debug`, whatever blocks the event loop is logged."""
    async with loop_watchdog.watching() if debug else nullcontext():
        await _serve_until_signal(settings)


async def _serve_until_signal(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_service(settings) as service, registry.run_adapters(service, stop):
        await stop.wait()
        log.info("shutting down: new requests are refused")
        await service.close()
        unreachable = not registry.is_reachable(service)
    log.info("stopped")
    if unreachable:
        raise AtelierError("No platform is running, so nobody can reach this studio. The log says why each one is off.")


def _parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bot", description="Atelier: a media studio in your chats.")
    parser.add_argument("--config", type=Path, help="settings file (default: config.toml in this folder, if it exists)")
    parser.add_argument("--debug", action="store_true", help="log whatever blocks the event loop for 50 ms or more")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
