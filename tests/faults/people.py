"""People who ask on the three platforms, and what each of them was shown in the end."""

import asyncio
import random
import secrets
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.faults.bot_process import COMMAND, Bot
from tests.servers.discord import DiscordServer, Person, Shown
from tests.servers.telegram import Json, Seat, TelegramServer

PEOPLE = 5
"""On each platform."""


@dataclass
class Asked:
    """One wish. `word` stands in no other one's answer; `refused` is the word that turned it away."""

    platform: str
    word: str
    options: dict[str, Any]
    cancel: bool = False
    refused: str = ""
    jobs: list[str] = field(default_factory=list)


def wishes(count: int, chance: random.Random) -> list[Asked]:
    """Quick ones, slow ones of several stages, some that are cancelled, some that break their worker."""
    made = []
    for number in range(count):
        seconds, stages = round(chance.uniform(0, 1.2), 2), chance.choice([0, 1, 1, 2, 4])
        options: dict[str, Any] = {"seconds": seconds, "stages": stages}
        if chance.random() < 0.06:
            options |= {"fault": chance.choice(["die", "error"])}
        asked = Asked(("discord", "telegram", "web")[number % 3], f"wish{number:04}", options)
        asked.cancel = chance.random() < 0.08
        made.append(asked)
    return made


class Crowd:
    """Who asks, and sees."""

    def __init__(
        self, bot: Bot, discord: DiscordServer, telegram: TelegramServer, web: list[aiohttp.ClientSession]
    ) -> None:
        self._bot, self._discord, self._telegram, self._web = bot, discord, telegram, web
        self.place = discord.world.guild()
        self._persons = [discord.person(f"person{number}", self.place) for number in range(PEOPLE)]
        self._seats = [telegram.private(1000 + number) for number in range(PEOPLE)]

    async def ask(self, wish: Asked, number: int) -> None:
        """Until the wish is in the database or refused. What a killed bot lost before that is asked again."""
        who = number % PEOPLE
        match wish.platform:
            case "discord":
                await self._ask_discord(wish, self._persons[who])
            case "telegram":
                await self._ask_telegram(wish, self._seats[who])
            case _:
                await self._ask_web(wish, self._web[who])

    def jobs(self, wish: Asked) -> list[str]:
        return [row[0] for row in self._bot.rows("SELECT id FROM jobs WHERE params LIKE ?", f'%"{wish.word}"%')]

    def over(self, wish: Asked) -> bool:
        """Whether all of the wish's jobs have ended and been told."""
        states = [state for job in wish.jobs for (state,) in self._bot.rows("SELECT state FROM jobs WHERE id = ?", job)]
        return all(state in {"done", "failed", "cancelled"} for state in states)

    async def cancel(self, wish: Asked) -> bool:
        """Press Cancel, where the wish is shown with one. False where it is not, yet or any more."""
        if not self._bot.up.is_set():
            return False
        if wish.platform == "discord":
            return self._cancel_on_discord(wish)
        if wish.platform == "telegram":
            return await self._cancel_on_telegram(wish)
        return await self._cancel_on_web(wish)

    def _cancel_on_discord(self, wish: Asked) -> bool:
        for message, states in list(self._discord.history.states.items()):
            if f"cancel:{wish.jobs[0]}" in states[-1].buttons.values():
                self._owner(wish).press("Cancel", message)
                return True
        return False

    async def _cancel_on_telegram(self, wish: Asked) -> bool:
        for seat in self._seats:
            for message in seat.room.of_bot():
                rows = message.get("reply_markup", {}).get("inline_keyboard", [])
                if any(button["callback_data"] == f"cancel:{wish.jobs[0]}" for row in rows for button in row):
                    await self._telegram.push({"callback_query": _pressed(seat, message, wish.jobs[0])})
                    return True
        return False

    async def _cancel_on_web(self, wish: Asked) -> bool:
        try:
            async with self._web[self._who(wish)].delete(f"{self._bot.url}/jobs/{wish.jobs[0]}"):
                return True
        except (aiohttp.ClientError, ConnectionError, TimeoutError):
            return False

    def _who(self, wish: Asked) -> int:
        return int(wish.word.removeprefix("wish")) % PEOPLE

    def _owner(self, wish: Asked) -> Person:
        return self._persons[self._who(wish)]

    async def _ask_discord(self, wish: Asked, person: Person) -> None:
        while True:
            await self._bot.up.wait()
            starts = self._bot.starts
            answer = person.slash(COMMAND, text=wish.word, **wish.options)
            while self._bot.up.is_set() and self._bot.starts == starts:
                wish.jobs = self.jobs(wish)
                if wish.jobs:
                    return
                if answer._record.message_id and answer.states and "⚠️" in answer.now.content:
                    wish.refused = answer.now.content
                    return
                await asyncio.sleep(0.05)
            wish.jobs = self.jobs(wish)
            if wish.jobs:
                return

    async def _ask_telegram(self, wish: Asked, seat: Seat) -> None:
        """Telegram keeps what was not taken: nobody asks twice."""
        options = " ".join(f"--{name} {value}" for name, value in wish.options.items())
        message = await seat.say(f"/{COMMAND} {wish.word} {options}")
        while not (wish.jobs or wish.refused):
            wish.jobs = self.jobs(wish)
            said = [each.get("text", "") for each in answers(seat, message)]
            wish.refused = next((text for text in said if "disk is full" in text), "") if not wish.jobs else ""
            await asyncio.sleep(0.05)

    async def _ask_web(self, wish: Asked, session: aiohttp.ClientSession) -> None:
        body = {"command": COMMAND, "options": {"text": wish.word, **wish.options}}
        while not (wish.jobs or wish.refused):
            await self._bot.up.wait()
            try:
                async with session.post(f"{self._bot.url}/jobs", json=body) as answer:
                    told = await answer.json()
                wish.refused = told["error"]["message"] if answer.status == 507 else ""
            except (aiohttp.ClientError, ConnectionError, TimeoutError):
                await asyncio.sleep(0.05)
            wish.jobs = self.jobs(wish)

    def shown_on_discord(self, wish: Asked) -> list[Shown]:
        """The messages that stand there with the wish's answer."""
        return [each for each in self._discord.messages(self.place) if wish.word in each.content]

    def shown_on_telegram(self, wish: Asked) -> tuple[list[Json], list[Json]]:
        """The messages that stand there with the wish's answer, and the pictures beside them."""
        for seat in self._seats:
            for message in seat.room.messages.values():
                if message["from"] == seat.user and f" {wish.word} " in message.get("text", ""):
                    said = answers(seat, message)
                    told = [one for one in said if wish.word in (one.get("text") or one.get("caption") or "")]
                    return told, [one for one in said if "photo" in one and one not in told]
        return [], []

    async def shown_on_web(self, wish: Asked, number: int) -> list[Any]:
        states = []
        for job in wish.jobs:
            async with self._web[number % PEOPLE].get(f"{self._bot.url}/jobs/{job}") as answer:
                states.append(await answer.json())
        return states


def answers(seat: Seat, message: Json) -> list[Json]:
    number = message["message_id"]
    return [one for one in seat.room.of_bot() if one.get("reply_to_message", {}).get("message_id") == number]


def _pressed(seat: Seat, message: Json, job: str) -> Json:
    query = secrets.token_hex(8)
    seat.room.server.queries[query] = None
    return {"id": query, "from": seat.user, "message": message, "chat_instance": "1", "data": f"cancel:{job}"}
