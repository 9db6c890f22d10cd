"""Kill worker and bot at every stage of a job, and fill the disk for a while."""

import asyncio
import random
from collections import Counter
from itertools import cycle, islice

from tests.faults.bot_process import Bot
from tests.servers.discord import DiscordServer
from tests.servers.telegram import TelegramServer

STAGE_SECONDS = 4.0
"""Seconds to wait for a job to reach the stage at which to kill."""
STAGE_QUERIES = {
    "queued": "SELECT 1 FROM jobs WHERE state = 'queued'",
    "started": "SELECT 1 FROM jobs WHERE state = 'running' AND stage IS NULL",
    "in progress": "SELECT 1 FROM jobs WHERE state = 'running' AND stage IS NOT NULL",
    "finished, not posted": "SELECT 1 FROM jobs WHERE state = 'delivering' AND result IS NOT NULL",
    "any time": "SELECT 1",
}
FULL_DISK_SECONDS = 4.0
"""Seconds for which the disk is full."""


class Chaos:
    """Kills processes, and counts in `hits` which was killed at which stage."""

    def __init__(self, bot: Bot, discord: DiscordServer, telegram: TelegramServer, chance: random.Random) -> None:
        self._bot, self._discord, self._telegram, self._chance = bot, discord, telegram, chance
        self.hits: Counter[str] = Counter()
        self.pause_kills = asyncio.Lock()
        self.all_done = False

    async def kill_repeatedly(self, rounds: int) -> None:
        """Go through all stages `rounds` times. Once all jobs are done, the remaining kills follow without a pause."""
        for stage in islice(cycle(STAGE_QUERIES), rounds * len(STAGE_QUERIES)):
            for victim in ("worker", "bot"):
                pause = self._chance.uniform(0.3, 3.0)
                await asyncio.sleep(0 if self.all_done else pause)
                async with self.pause_kills:
                    await self._kill_at(stage, victim)

    async def _kill_at(self, stage: str, victim: str) -> None:
        if stage == "finished, not posted":
            self._delay_posting()
        reached = await self._wait_for(STAGE_QUERIES[stage])
        self.hits[f"{victim}, {stage if reached else 'idle'}"] += 1
        if victim == "worker":
            self._bot.kill_worker()
        else:
            await self._bot.kill()
            await self._bot.start()

    async def _wait_for(self, query: str) -> bool:
        for _ in range(int(STAGE_SECONDS / 0.005)):
            if self._bot.rows(query):
                return True
            if self.all_done:
                return False
            await asyncio.sleep(0.005)
        return False

    def _delay_posting(self) -> None:
        """Make the platforms' servers fail twice, so that posting takes a while."""
        self._discord.trouble("PATCH", "*", status=503, times=2)
        for method in ("editMessageText", "editMessageMedia"):
            self._telegram.fail(method, 502, times=2)

    async def fill_the_disk(self) -> None:
        """Keep the disk full for FULL_DISK_SECONDS, and kill nothing meanwhile."""
        async with self.pause_kills:
            filler = self._bot.folder / "filler"
            with filler.open("wb", buffering=0) as file:
                try:
                    while True:
                        file.write(bytes(4096))
                except OSError:
                    self.hits["full disk"] += 1
            await asyncio.sleep(FULL_DISK_SECONDS)
            filler.unlink()
