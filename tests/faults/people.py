"""Users who send requests on the three platforms, and what each of them was shown in the end."""

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
"""Users on each platform."""


@dataclass
class UserRequest:
    """One request of one user. `word` is unique to its answer; `refused` is the message that refused it."""

    platform: str
    word: str
    options: dict[str, Any]
    cancel: bool = False
    refused: str = ""
    jobs: list[str] = field(default_factory=list)


def plan_requests(count: int, chance: random.Random) -> list[UserRequest]:
    """Return quick requests, slow ones of several stages, some to cancel, and some that crash a worker."""
    requests = []
    for number in range(count):
        seconds, stages = round(chance.uniform(0, 1.2), 2), chance.choice([0, 1, 1, 2, 4])
        options: dict[str, Any] = {"seconds": seconds, "stages": stages}
        if chance.random() < 0.06:
            options |= {"fault": chance.choice(["die", "error"])}
        request = UserRequest(("discord", "telegram", "web")[number % 3], f"request{number:04}", options)
        request.cancel = chance.random() < 0.08
        requests.append(request)
    return requests


class Crowd:
    """The users of all platforms."""

    def __init__(
        self, bot: Bot, discord: DiscordServer, telegram: TelegramServer, web: list[aiohttp.ClientSession]
    ) -> None:
        self._bot, self._discord, self._telegram, self._web = bot, discord, telegram, web
        self.place = discord.world.guild()
        self._persons = [discord.person(f"person{number}", self.place) for number in range(PEOPLE)]
        self._seats = [telegram.private(1000 + number) for number in range(PEOPLE)]

    async def ask(self, request: UserRequest, number: int) -> None:
        """Send the request until it is in the database or refused. A request that a killed bot lost is sent again."""
        who = number % PEOPLE
        match request.platform:
            case "discord":
                await self._ask_discord(request, self._persons[who])
            case "telegram":
                await self._ask_telegram(request, self._seats[who])
            case _:
                await self._ask_web(request, self._web[who])

    def jobs(self, request: UserRequest) -> list[str]:
        """Return the ids of the request's jobs."""
        return [row[0] for row in self._bot.rows("SELECT id FROM jobs WHERE params LIKE ?", f'%"{request.word}"%')]

    def has_ended(self, request: UserRequest) -> bool:
        """Return whether all of the request's jobs have ended and been delivered."""
        states = [
            state for job in request.jobs for (state,) in self._bot.rows("SELECT state FROM jobs WHERE id = ?", job)
        ]
        return all(state in {"done", "failed", "cancelled"} for state in states)

    async def cancel(self, request: UserRequest) -> bool:
        """Press Cancel under the request's job. Returns False if there is no such button right now."""
        if not self._bot.up.is_set():
            return False
        if request.platform == "discord":
            return self._cancel_on_discord(request)
        if request.platform == "telegram":
            return await self._cancel_on_telegram(request)
        return await self._cancel_on_web(request)

    def _cancel_on_discord(self, request: UserRequest) -> bool:
        for message, states in list(self._discord.history.states.items()):
            if f"cancel:{request.jobs[0]}" in states[-1].buttons.values():
                self._owner(request).press("Cancel", message)
                return True
        return False

    async def _cancel_on_telegram(self, request: UserRequest) -> bool:
        for seat in self._seats:
            for message in seat.room.of_bot():
                rows = message.get("reply_markup", {}).get("inline_keyboard", [])
                if any(button["callback_data"] == f"cancel:{request.jobs[0]}" for row in rows for button in row):
                    await self._telegram.push({"callback_query": _press_update(seat, message, request.jobs[0])})
                    return True
        return False

    async def _cancel_on_web(self, request: UserRequest) -> bool:
        try:
            async with self._web[self._who(request)].delete(f"{self._bot.url}/jobs/{request.jobs[0]}"):
                return True
        except (aiohttp.ClientError, ConnectionError, TimeoutError):
            return False

    def _who(self, request: UserRequest) -> int:
        return int(request.word.removeprefix("request")) % PEOPLE

    def _owner(self, request: UserRequest) -> Person:
        return self._persons[self._who(request)]

    async def _ask_discord(self, request: UserRequest, person: Person) -> None:
        while True:
            await self._bot.up.wait()
            starts = self._bot.starts
            answer = person.slash(COMMAND, text=request.word, **request.options)
            while self._bot.up.is_set() and self._bot.starts == starts:
                request.jobs = self.jobs(request)
                if request.jobs:
                    return
                if answer._record.message_id and answer.states and "⚠️" in answer.now.content:
                    request.refused = answer.now.content
                    return
                await asyncio.sleep(0.05)
            request.jobs = self.jobs(request)
            if request.jobs:
                return

    async def _ask_telegram(self, request: UserRequest, seat: Seat) -> None:
        """Send the request once: Telegram keeps updates that were not fetched."""
        options = " ".join(f"--{name} {value}" for name, value in request.options.items())
        message = await seat.say(f"/{COMMAND} {request.word} {options}")
        while not (request.jobs or request.refused):
            request.jobs = self.jobs(request)
            texts = [reply.get("text", "") for reply in replies_to(seat, message)]
            request.refused = next((text for text in texts if "disk is full" in text), "") if not request.jobs else ""
            await asyncio.sleep(0.05)

    async def _ask_web(self, request: UserRequest, session: aiohttp.ClientSession) -> None:
        body = {"command": COMMAND, "options": {"text": request.word, **request.options}}
        while not (request.jobs or request.refused):
            await self._bot.up.wait()
            try:
                async with session.post(f"{self._bot.url}/jobs", json=body) as answer:
                    body_of_answer = await answer.json()
                request.refused = body_of_answer["error"]["message"] if answer.status == 507 else ""
            except (aiohttp.ClientError, ConnectionError, TimeoutError):
                await asyncio.sleep(0.05)
            request.jobs = self.jobs(request)

    def shown_on_discord(self, request: UserRequest) -> list[Shown]:
        """Return the messages that show the request's answer."""
        return [message for message in self._discord.messages(self.place) if request.word in message.content]

    def shown_on_telegram(self, request: UserRequest) -> tuple[list[Json], list[Json]]:
        """Return the messages that show the request's answer, and further messages with its pictures."""
        for seat in self._seats:
            for message in seat.room.messages.values():
                if message["from"] == seat.user and f" {request.word} " in message.get("text", ""):
                    replies = replies_to(seat, message)
                    answers = [one for one in replies if request.word in (one.get("text") or one.get("caption") or "")]
                    return answers, [one for one in replies if "photo" in one and one not in answers]
        return [], []

    async def shown_on_web(self, request: UserRequest, number: int) -> list[Any]:
        """Return the states of the request's jobs as the HTTP API gives them."""
        states = []
        for job in request.jobs:
            async with self._web[number % PEOPLE].get(f"{self._bot.url}/jobs/{job}") as answer:
                states.append(await answer.json())
        return states


def replies_to(seat: Seat, message: Json) -> list[Json]:
    """Return the bot's replies to the message."""
    number = message["message_id"]
    return [one for one in seat.room.of_bot() if one.get("reply_to_message", {}).get("message_id") == number]


def _press_update(seat: Seat, message: Json, job: str) -> Json:
    """Return the Telegram update for a press of the job's Cancel button."""
    query = secrets.token_hex(8)
    seat.room.server.queries[query] = None
    return {"id": query, "from": seat.user, "message": message, "chat_instance": "1", "data": f"cancel:{job}"}
