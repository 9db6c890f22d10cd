"""One fault run: ask, kill, wait until everything is quiet, and look at what everybody was shown and what is kept."""

import asyncio
import os
import random
import socket
import time
from collections import Counter
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bot.app import AppContext
from bot.config.sections import BotSection
from bot.config.settings import Settings
from bot.maintenance.cleanup import UPLOAD_TTL_SECONDS, clean_up
from engine.core.settings import WorkerSettings
from engine.host.engine import Engine, HostSettings
from storage.files import Files
from storage.store import JobRecord, Store
from tests.faults.bot_process import Bot, disk
from tests.faults.chaos import Chaos
from tests.faults.people import PEOPLE, Asked, Crowd, wishes
from tests.servers.discord import DiscordServer
from tests.servers.telegram import TelegramServer

QUIET_SECONDS = 900.0
"""How long a job may take: while others are killed it waits long, and yet is never lost."""
ASK_SECONDS = 120.0
"""How long a wish may take to be taken, while the bot is killed again and again."""
AT_ONCE = 12
"""Wishes that wait at the same time."""
ENDED = ("done", "failed", "cancelled")
UNSURE = "The connection broke while its files were sent"


@dataclass
class Report:
    """What was seen. `wrongs` holds a sentence for each thing that should not be."""

    jobs: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    asked_again: int = 0
    unsure: int = 0
    orphans: int = 0
    seconds: float = 0.0
    starts: int = 0
    wrongs: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [
            f"jobs {self.jobs}: " + ", ".join(f"{count} {end}" for end, count in sorted(self.ends.items())),
            f"starts of the bot {self.starts}, seconds {self.seconds:.0f}",
            f"refused for want of room {self.refused}, lost before they were taken and asked again {self.asked_again}",
            f"albums whose arrival is not known {self.unsure}, files of broken runs cleaned up {self.orphans}",
            *(f"killed: {what}: {count}" for what, count in sorted(self.hits.items())),
            *(f"WRONG: {wrong}" for wrong in self.wrongs),
        ]
        return "\n".join(lines)


async def fault_run(folder: Path, jobs: int, seed: int, rounds: int = 1) -> Report:
    """`jobs` wishes over the three platforms, killed `rounds` times at each stage. `folder` is an empty one."""
    chance, begun, report = random.Random(seed), time.monotonic(), Report()
    data = folder / "data"
    data.mkdir()
    async with AsyncExitStack() as stack:
        own_disk = stack.enter_context(disk(data))
        discord = await stack.enter_async_context(DiscordServer())
        telegram = await stack.enter_async_context(TelegramServer())
        bot = Bot(data, discord, telegram, free_port())
        jar = aiohttp.CookieJar
        web = [
            await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar(unsafe=True))) for _ in range(PEOPLE)
        ]
        crowd, chaos = Crowd(bot, discord, telegram, web), Chaos(bot, discord, telegram, chance)
        stack.callback(bot.end)
        await bot.start()
        for session in web:
            (await session.get(f"{bot.url}/api/page")).close()
        asked = wishes(jobs, chance)
        await torment(crowd, chaos.reign(rounds), chaos, asked, full=own_disk)
        await quiet(bot)
        await judge(crowd, bot, asked, report)
        await bot.stop()
        await judge_the_store(data, report)
        report.hits, report.starts = chaos.hits, bot.starts
    report.seconds = time.monotonic() - begun
    return report


async def torment(
    crowd: Crowd, kills: Coroutine[Any, Any, None], chaos: Chaos, asked: list[Asked], *, full: bool
) -> None:
    reign = asyncio.create_task(kills)
    turn = asyncio.Semaphore(min(AT_ONCE, len(asked) // 3))

    async def wish(number: int) -> None:
        async with turn:
            if full and number == len(asked) // 2:
                filling = asyncio.create_task(chaos.fill_the_disk())
                await asyncio.wait_for(crowd.ask(asked[number], number), ASK_SECONDS)
                await filling
            else:
                await asyncio.wait_for(crowd.ask(asked[number], number), ASK_SECONDS)
            await ended(crowd, asked[number])

    async with asyncio.TaskGroup() as group:
        for number in range(len(asked)):
            group.create_task(wish(number))
    chaos.nobody_waits = True
    await reign


async def ended(crowd: Crowd, wish: Asked) -> None:
    """Wait for the wish's jobs; cancel them on the way, where the person changes their mind."""
    async with asyncio.timeout(QUIET_SECONDS):
        while not crowd.over(wish):  # rows tell nobody of their changes
            if wish.cancel:
                wish.cancel = not await crowd.cancel(wish)
            await asyncio.sleep(0.05)


async def quiet(bot: Bot) -> None:
    async with asyncio.timeout(QUIET_SECONDS):
        while bot.rows("SELECT 1 FROM jobs WHERE state NOT IN ('done', 'failed', 'cancelled')"):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def judge(crowd: Crowd, bot: Bot, asked: list[Asked], report: Report) -> None:
    """What everybody was shown."""
    for number, wish in enumerate(asked):
        wish.jobs = crowd.jobs(wish)
        report.refused += bool(wish.refused) and not wish.jobs
        report.asked_again += max(0, len(wish.jobs) - 1)
        if not wish.jobs and not wish.refused:
            report.wrongs.append(f"{wish.word} on {wish.platform}: neither a job nor a refusal")
        if wish.jobs:
            await judge_wish(crowd, bot, wish, number, report)


async def judge_wish(crowd: Crowd, bot: Bot, wish: Asked, number: int, report: Report) -> None:
    states = [bot.rows("SELECT state FROM jobs WHERE id = ?", job)[0][0] for job in wish.jobs]
    made, pictures = states.count("done"), wish.options["stages"]
    where = f"{wish.word} on {wish.platform}, {', '.join(states)}"
    shown: list[Any] = []
    if wish.platform == "discord":
        shown += crowd.shown_on_discord(wish)
        right = len(shown) == made and all(len(each.files) == pictures for each in shown)
    elif wish.platform == "telegram":
        told, beside = crowd.shown_on_telegram(wish)
        shown += [*told, *beside]
        files = sum("photo" in each for each in shown)
        unsure = any(UNSURE in (each.get("text") or each.get("caption") or "") for each in told)
        report.unsure += unsure
        right = len(states) == 1 and len(told) == made and (files == pictures * made or (unsure and files == 0))
    else:
        shown += await crowd.shown_on_web(wish, number)
        counts = [len(each["result"]["media"]) for each in shown if each.get("result")]
        right = [each["state"] for each in shown] == states and counts == [pictures] * made
    if not right:
        report.wrongs.append(f"{where}: shown {shown}")


async def judge_the_store(data: Path, report: Report) -> None:
    """What is kept, and what is left after the janitor's round that comes when leftovers are old enough."""
    async with Store.open(data / "atelier.db") as store:
        rows = await every_row(store)
        report.jobs, report.ends = len(rows), Counter(row.state for row in rows)
        report.wrongs += [f"{row.job.id} is still {row.state}" for row in rows if row.state not in ENDED]
        took, ran = await took_tokens(store), {row.job.id for row in rows if not row.cached}
        report.wrongs += [f"{job} took a token and is no job" for job in took - ran]
        report.wrongs += [f"{job} took no token" for job in ran - took]
        for path in (data / "media").glob("*/*"):
            os.utime(path, (time.time() - 2 * UPLOAD_TTL_SECONDS,) * 2)
        before = {path.stem for path in (data / "media").glob("*/*")}
        settings = Settings(bot=BotSection(data_dir=data))
        files = Files(data / "media", 10**6, 10**6)
        await clean_up(
            AppContext(settings, store, files, Engine(HostSettings(devices=(), worker=WorkerSettings(folder=data))), ())
        )
        left, named = {path.stem for path in (data / "media").glob("*/*")}, await store.referenced_files()
        report.orphans = len(before - left)
        report.wrongs += [f"orphan {name}" for name in left - named] + [f"missing {name}" for name in named - left]
        report.wrongs += [f"left over: {path.name}" for path in (data / "stages").glob("*")]


async def every_row(store: Store) -> list[JobRecord]:
    rows = [await store.job(job) for job in await column(store, "SELECT id FROM jobs")]
    return [row for row in rows if row is not None]


async def took_tokens(store: Store) -> set[str]:
    return set(await column(store, "SELECT job FROM uses"))


async def column(store: Store, query: str) -> list[str]:
    return await store._database.read(lambda db: [row[0] for row in db.execute(query)])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
