"""One fault run: send requests, kill processes, wait until idle, and check what users were shown and what is stored."""

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
from tests.faults.bot_process import Bot, small_disk
from tests.faults.chaos import Chaos
from tests.faults.people import PEOPLE, Crowd, UserRequest, plan_requests
from tests.servers.discord import DiscordServer
from tests.servers.telegram import TelegramServer

JOB_SECONDS = 900.0
"""Seconds that a job may take. It waits long while others are killed, but it is never lost."""
ADMIT_SECONDS = 120.0
"""Seconds until a request is admitted or refused, while the bot is killed again and again."""
MAX_CONCURRENT_REQUESTS = 12
"""Requests that are open at the same time."""
ENDED = ("done", "failed", "cancelled")
DELIVERY_UNKNOWN = "The connection broke while"


@dataclass
class Report:
    """The counts of a run. `errors` holds a sentence for each violation."""

    jobs: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    asked_again: int = 0
    unsure: int = 0
    orphans: int = 0
    seconds: float = 0.0
    starts: int = 0
    errors: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [
            f"jobs {self.jobs}: " + ", ".join(f"{count} {end}" for end, count in sorted(self.ends.items())),
            f"starts of the bot {self.starts}, seconds {self.seconds:.0f}",
            f"refused for lack of disk space {self.refused}, lost before admission and sent again {self.asked_again}",
            f"albums of unknown delivery {self.unsure}, files of broken runs cleaned up {self.orphans}",
            *(f"killed: {what}: {count}" for what, count in sorted(self.hits.items())),
            *(f"ERROR: {error}" for error in self.errors),
        ]
        return "\n".join(lines)


async def fault_run(folder: Path, jobs: int, seed: int, rounds: int = 1) -> Report:
    """Send `jobs` requests on three platforms, and kill `rounds` times at each stage. `folder` must be empty."""
    chance, started, report = random.Random(seed), time.monotonic(), Report()
    data = folder / "data"
    data.mkdir()
    async with AsyncExitStack() as stack:
        own_disk = stack.enter_context(small_disk(data))
        discord = await stack.enter_async_context(DiscordServer())
        telegram = await stack.enter_async_context(TelegramServer())
        bot = Bot(data, discord, telegram, free_port())
        jar = aiohttp.CookieJar
        web = [
            await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar(unsafe=True))) for _ in range(PEOPLE)
        ]
        crowd, chaos = Crowd(bot, discord, telegram, web), Chaos(bot, discord, telegram, chance)
        stack.callback(bot.kill_if_running)
        await bot.start()
        for session in web:
            (await session.get(f"{bot.url}/api/page")).close()
        asked = plan_requests(jobs, chance)
        await send_and_kill(crowd, chaos.kill_repeatedly(rounds), chaos, asked, full=own_disk)
        await wait_until_idle(bot)
        await check_answers(crowd, bot, asked, report)
        await bot.stop()
        await check_store(data, report)
        report.hits, report.starts = chaos.hits, bot.starts
    report.seconds = time.monotonic() - started
    return report


async def send_and_kill(
    crowd: Crowd, kills: Coroutine[Any, Any, None], chaos: Chaos, asked: list[UserRequest], *, full: bool
) -> None:
    killing = asyncio.create_task(kills)
    slots = asyncio.Semaphore(min(MAX_CONCURRENT_REQUESTS, len(asked) // 3))

    async def send(number: int) -> None:
        async with slots:
            if full and number == len(asked) // 2:
                filling = asyncio.create_task(chaos.fill_the_disk())
                await asyncio.wait_for(crowd.ask(asked[number], number), ADMIT_SECONDS)
                await filling
            else:
                await asyncio.wait_for(crowd.ask(asked[number], number), ADMIT_SECONDS)
            await wait_for_jobs(crowd, asked[number])

    async with asyncio.TaskGroup() as group:
        for number in range(len(asked)):
            group.create_task(send(number))
    chaos.all_done = True
    await killing


async def wait_for_jobs(crowd: Crowd, request: UserRequest) -> None:
    """Wait for the request's jobs, and cancel them meanwhile if the user is to cancel."""
    async with asyncio.timeout(JOB_SECONDS):
        while not crowd.has_ended(request):  # there is no event for changes in another process
            if request.cancel:
                request.cancel = not await crowd.cancel(request)
            await asyncio.sleep(0.05)


async def wait_until_idle(bot: Bot) -> None:
    async with asyncio.timeout(JOB_SECONDS):
        while bot.rows("SELECT 1 FROM jobs WHERE state NOT IN ('done', 'failed', 'cancelled')"):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def check_answers(crowd: Crowd, bot: Bot, asked: list[UserRequest], report: Report) -> None:
    """Check what every user was shown."""
    for number, request in enumerate(asked):
        request.jobs = crowd.jobs(request)
        report.refused += bool(request.refused) and not request.jobs
        report.asked_again += max(0, len(request.jobs) - 1)
        if not request.jobs and not request.refused:
            report.errors.append(f"{request.word} on {request.platform}: neither a job nor a refusal")
        if request.jobs:
            await check_request(crowd, bot, request, number, report)


async def check_request(crowd: Crowd, bot: Bot, request: UserRequest, number: int, report: Report) -> None:
    states = [bot.rows("SELECT state FROM jobs WHERE id = ?", job)[0][0] for job in request.jobs]
    made, pictures = states.count("done"), request.options["stages"]
    where = f"{request.word} on {request.platform}, {', '.join(states)}"
    shown: list[Any] = []
    if request.platform == "discord":
        shown += crowd.shown_on_discord(request)
        right = len(shown) == made and all(len(each.files) == pictures for each in shown)
    elif request.platform == "telegram":
        answers, pictures_beside = crowd.shown_on_telegram(request)
        shown += [*answers, *pictures_beside]
        files = sum("photo" in each for each in shown)
        unsure = any(DELIVERY_UNKNOWN in (each.get("text") or each.get("caption") or "") for each in answers)
        report.unsure += unsure
        right = len(states) == 1 and len(answers) == made and (files == pictures * made or (unsure and files == 0))
    else:
        shown += await crowd.shown_on_web(request, number)
        counts = [len(each["result"]["media"]) for each in shown if each.get("result")]
        right = [each["state"] for each in shown] == states and counts == [pictures] * made
    if not right:
        report.errors.append(f"{where}: shown {shown}")


async def check_store(data: Path, report: Report) -> None:
    """Check what is stored, and which files are left after a cleanup round in which every upload has expired."""
    async with Store.open(data / "atelier.db") as store:
        rows = await every_row(store)
        report.jobs, report.ends = len(rows), Counter(row.state for row in rows)
        report.errors += [f"{row.job.id} is still {row.state}" for row in rows if row.state not in ENDED]
        took, ran = await jobs_counted_by_limits(store), {row.job.id for row in rows if not row.cached}
        report.errors += [f"{job} took a token and is no job" for job in took - ran]
        report.errors += [f"{job} took no token" for job in ran - took]
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
        report.errors += [f"orphan {name}" for name in left - named] + [f"missing {name}" for name in named - left]
        report.errors += [f"left over: {path.name}" for path in (data / "stages").glob("*")]


async def every_row(store: Store) -> list[JobRecord]:
    rows = [await store.job(job) for job in await column(store, "SELECT id FROM jobs")]
    return [row for row in rows if row is not None]


async def jobs_counted_by_limits(store: Store) -> set[str]:
    return set(await column(store, "SELECT job FROM uses"))


async def column(store: Store, query: str) -> list[str]:
    return await store._database.read(lambda db: [row[0] for row in db.execute(query)])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
