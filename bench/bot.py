"""Measure the front end: the time from start to serving, and its memory with every adapter on and over 10,000 jobs.

The whole program runs, and its engine starts beside it. Discord and Telegram are the loopback servers of the tests.
Goals: under 2 s from start to serving on two cores, under 120 MB resident, torch never imported, constant memory.
"""

import asyncio
import gc
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import psutil
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bench.lib.app import ask, open_studio
from bot.requests.service import Service
from tests.servers.discord import DiscordServer
from tests.servers.telegram import TelegramServer

STARTS = 5
JOBS = 10_000
PORT = 18080
MB = 1e6
PROGRAM = """
import sys
from yarl import URL
from discord.gateway import DiscordWebSocket
from discord.http import Route
Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = sys.argv[1], URL(sys.argv[2])
from bot.__main__ import main
sys.exit(main(["--config", sys.argv[3]]))
"""
"""The bot as it is, with Discord's address changed: discord.py has no setting for it."""
HEAVY = ("torch", "cv2", "onnxruntime")


async def start(discord: DiscordServer, telegram: TelegramServer, folder: Path) -> tuple[float, float]:
    """Start the bot, and return the seconds until all three platforms are served and the MB resident then."""
    settings = folder / "config.toml"
    settings.write_text(
        f'[bot]\ndata_dir = "{folder}"\n[web]\nport = {PORT}\n[telegram]\nbase_url = "{telegram.origin}"\n'
    )
    tokens = {"ATELIER_DISCORD_TOKEN": discord.token, "ATELIER_TELEGRAM_TOKEN": telegram.token}
    started = time.perf_counter()
    arguments = ("-c", PROGRAM, Route.BASE, str(DiscordWebSocket.DEFAULT_GATEWAY), str(settings))
    bot = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=os.environ | tokens, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        polls = len(telegram.called("getUpdates"))
        await asyncio.gather(
            discord.connected(60),
            _until(_web_serves),
            _until(lambda: _done(len(telegram.called("getUpdates")) > polls)),
        )
        seconds = time.perf_counter() - started
        process = psutil.Process(bot.pid)
        loaded = [name for name in HEAVY if any(f"/{name}/" in each.path for each in process.memory_maps())]
        assert not loaded, f"the bot's process loaded {loaded}"
        return seconds, process.memory_info().rss / MB
    finally:
        bot.terminate()
        await bot.wait()
        await discord.until(lambda: not discord.gateway.live)


async def _web_serves() -> bool:
    async with aiohttp.ClientSession() as session:
        try:
            async with session.get(f"http://127.0.0.1:{PORT}/healthz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


async def _done(holds: bool) -> bool:
    return holds


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await holds():  # noqa: ASYNC110  # what is waited for is another process
            await asyncio.sleep(0.005)


async def flat() -> list[float]:
    """Return the MB resident after each tenth of the jobs, run 64 at a time."""
    async with open_studio() as service:
        resident = []
        for tenth in range(10):
            numbers = iter(range(tenth * JOBS // 10, (tenth + 1) * JOBS // 10))
            await asyncio.gather(*(_ask_all(service, numbers) for _ in range(64)))
            gc.collect()
            resident.append(psutil.Process().memory_info().rss / MB)
    return resident


async def _ask_all(service: Service, numbers: Iterator[int]) -> None:
    for number in numbers:
        await ask(service, number)


async def main() -> None:
    """Measure and print all figures."""
    async with DiscordServer() as discord, TelegramServer() as telegram:
        with TemporaryDirectory() as folder:
            starts = [await start(discord, telegram, Path(folder)) for _ in range(STARTS)]
    seconds, megabytes = (statistics.median(column) for column in zip(*starts, strict=True))
    print(f"start to serving Discord, Telegram and web, median of {STARTS}: {seconds:.2f} s")
    print(f"resident then, all adapters on:                       {megabytes:.0f} MB")
    resident = await flat()
    print(f"resident over {JOBS:,} echo jobs, by tenths (the bench itself included), MB:")
    print("  " + " ".join(f"{each:.1f}" for each in resident))


if __name__ == "__main__":
    asyncio.run(main())
