"""Kills, at every stage that a job goes through, and a disk that is full for a while."""

import asyncio
import random
from collections import Counter
from itertools import cycle, islice

from tests.faults.bot_process import Bot
from tests.servers.discord import DiscordServer
from tests.servers.telegram import TelegramServer

PATIENCE = 4.0
"""Seconds to wait for a job to be at the stage that is to be hit."""
STAGES = {
    "in line": "SELECT 1 FROM jobs WHERE state = 'queued'",
    "begun": "SELECT 1 FROM jobs WHERE state = 'running' AND stage IS NULL",
    "half way": "SELECT 1 FROM jobs WHERE state = 'running' AND stage IS NOT NULL",
    "made, not posted": "SELECT 1 FROM jobs WHERE state = 'delivering' AND result IS NOT NULL",
    "any time": "SELECT 1",
}
FULL_SECONDS = 4.0


class Chaos:
    """Counts in `hits` who was killed at which stage."""

    def __init__(self, bot: Bot, discord: DiscordServer, telegram: TelegramServer, chance: random.Random) -> None:
        self._bot, self._discord, self._telegram, self._chance = bot, discord, telegram, chance
        self.hits: Counter[str] = Counter()
        self.at_rest = asyncio.Lock()
        self.nobody_waits = False

    async def reign(self, rounds: int) -> None:
        """`rounds` times over all stages; once nobody waits, what is left of them comes without a pause."""
        for stage in islice(cycle(STAGES), rounds * len(STAGES)):
            for victim in ("worker", "bot"):
                pause = self._chance.uniform(0.3, 3.0)
                await asyncio.sleep(0 if self.nobody_waits else pause)
                async with self.at_rest:
                    await self._strike(stage, victim)

    async def _strike(self, stage: str, victim: str) -> None:
        if stage == "made, not posted":
            self._trouble()
        reached = await self._reached(STAGES[stage])
        self.hits[f"{victim}, {stage if reached else 'idle'}"] += 1
        if victim == "worker":
            self._bot.kill_worker()
        else:
            await self._bot.kill()
            await self._bot.start()

    async def _reached(self, query: str) -> bool:
        for _ in range(int(PATIENCE / 0.005)):
            if self._bot.rows(query):
                return True
            if self.nobody_waits:
                return False
            await asyncio.sleep(0.005)
        return False

    def _trouble(self) -> None:
        """Posting takes a while: the platforms' servers fail, and the bot tries again."""
        self._discord.trouble("PATCH", "*", status=503, times=2)
        for method in ("editMessageText", "editMessageMedia"):
            self._telegram.fail(method, 502, times=2)

    async def fill_the_disk(self) -> None:
        """For FULL_SECONDS; the bot stays up meanwhile."""
        async with self.at_rest:
            filler = self._bot.folder / "filler"
            with filler.open("wb", buffering=0) as file:
                try:
                    while True:
                        file.write(bytes(4096))
                except OSError:
                    self.hits["full disk"] += 1
            await asyncio.sleep(FULL_SECONDS)
            filler.unlink()
