"""The bot as a child process that can be killed, on its own small disk that can be filled."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests.servers.discord import DiscordServer
from tests.servers.telegram import TelegramServer

DISK_BYTES = 64_000_000
COMMAND = "scenes"
"""The name of a command with a rate limit. Here it runs the echo task."""
PROGRAM = f"""
import sys
from yarl import URL
from discord.gateway import DiscordWebSocket
from discord.http import Route
Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = sys.argv[1], URL(sys.argv[2])
import bot.__main__ as program
from bot.requests.call import command
from engine.core.job import Job
from engine.tasks.echo import Params
async def {COMMAND}(call, params: Params) -> Job:
    return await call.build_job("echo", params)
ours = command("Say it back", rate="10/5m")({COMMAND})
program.COMMANDS = (*(each for each in program.COMMANDS if each.name != ours.name), ours)
sys.exit(program.main(["--config", sys.argv[3]]))
"""


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Mount a small file system at `folder` if this user may, and yield whether it is mounted."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    own = os.geteuid() == 0 and subprocess.run(mount, check=False, capture_output=True).returncode == 0
    try:
        yield own
    finally:
        if own:
            subprocess.run(["umount", "-l", str(folder)], check=True)


class Bot:
    """The bot, with its data in `folder`. Call `start` again after each `kill`."""

    def __init__(self, folder: Path, discord: DiscordServer, telegram: TelegramServer, port: int) -> None:
        self.folder, self.url = folder, f"http://127.0.0.1:{port}"
        self._discord, self._telegram = discord, telegram
        self._settings = folder / "config.toml"
        self._settings.write_text(
            f'[bot]\ndata_dir = "{folder}"\n[web]\nport = {port}\n[limits]\n{COMMAND} = "100000/10h"\n'
            f'[telegram]\nbase_url = "{telegram.origin}"\n[engine]\ndevice = "cpu"\n'
        )
        self._process: asyncio.subprocess.Process | None = None
        self.up = asyncio.Event()
        self.starts = 0

    async def start(self) -> None:
        """Start the bot and wait until it serves all three platforms. Fails if it exits."""
        tokens = {"ATELIER_DISCORD_TOKEN": self._discord.token, "ATELIER_TELEGRAM_TOKEN": self._telegram.token}
        address = (Route.BASE, str(DiscordWebSocket.DEFAULT_GATEWAY), str(self._settings))
        polls = len(self._telegram.called("getUpdates"))
        with (self.folder.parent / "bot.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", PROGRAM, *address, env=os.environ | tokens, stderr=log
            )
        self.starts += 1
        async with asyncio.timeout(90):
            await self._discord.connected(60)
            while len(self._telegram.called("getUpdates")) == polls or not await self._is_web_up():
                assert self._process.returncode is None, "the bot exited; bot.log says why"
                await asyncio.sleep(0.05)
        self.up.set()

    async def kill(self) -> None:
        """Send kill -9 to the bot. Its worker notices and exits by itself."""
        self.up.clear()
        assert self._process is not None
        self._process.kill()
        await self._process.wait()
        await self._discord.until(lambda: not self._discord.gateway.live)

    async def stop(self) -> None:
        """Send SIGTERM and wait until the bot has exited."""
        self.up.clear()
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            await self._process.wait()

    def kill_if_running(self) -> None:
        """Kill the bot if it is still running."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    def kill_worker(self) -> bool:
        """Send kill -9 to the worker. Returns False if there is none right now."""
        assert self._process is not None
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self._process.pid).children():
                child.kill()
                return True
        return False

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query on the bot's database."""
        with closing(sqlite3.connect(f"file:{self.folder / 'atelier.db'}?mode=rw", uri=True, timeout=5)) as connection:
            return connection.execute(query, values).fetchall()

    async def _is_web_up(self) -> bool:
        async with aiohttp.ClientSession() as session:
            try:
                async with session.get(f"{self.url}/healthz") as answer:
                    return answer.status == 200
            except aiohttp.ClientError:
                return False
