"""Consent before a person's first job of a command, and commands that are off in a server or group."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.adapters import discord, telegram
from bot.core.command import Replied, Request
from bot.requests.call import JobCall, command
from bot.requests.service import Service
from engine.core.job import Done, Failed, Job, Update
from engine.host.engine import Engine
from engine.tasks.echo import Params as Echo
from storage.store import Store
from tests.bot.adapters.confirming_commands import ASKING, open_service_with
from tests.fakes import echo as fake_echo
from tests.fakes import ended, small_engine
from tests.servers.discord import DiscordServer
from tests.servers.telegram import Json, TelegramServer

pytestmark = pytest.mark.asyncio(loop_scope="module")
WORDS = "May you do this?"
Start = Callable[..., AbstractAsyncContextManager[Service]]


@command("Say it back, once allowed", consent=WORDS)
async def magic(call: JobCall, params: Echo) -> Job:
    return await call.build_job("echo", params)


@command("Do another's again, as buttons under results do", hidden=True)
async def once_more(call: JobCall, params: Echo) -> Job:
    return (await call.build_job("echo", params)).model_copy(update={"command": "magic"})


COMMANDS = (*(each for each in ASKING if each.name != "magic"), magic, once_more)
HASH = hashlib.sha256(WORDS.encode()).hexdigest()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    async with small_engine(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest.fixture
def start(engine: Engine, tmp_path: Path) -> Start:
    return partial(open_service_with, COMMANDS, engine, tmp_path)


async def last(service: Service, command: str, user: str = "web:ana", **raw: Any) -> Update:
    place = raw.pop("place", "")
    async with aclosing(service.handle(Request(command, raw, user, origin="", scope=place))) as updates:
        return [update async for update in updates][-1]


async def test_consent_is_asked_once_per_person_and_survives_a_restart(start: Start) -> None:
    async with start() as service:
        asked = await last(service, "magic", text="hello")
        assert isinstance(asked, Replied)
        assert asked.result.text == WORDS
        assert [button.label for button in asked.buttons] == ["I confirm", "No, cancel"]
        assert not await service.studio.store.unfinished_jobs()
        made = await last(service, "yes", job=asked.buttons[0].argument)
        assert isinstance(made, Done)
        assert made.result.text == "hello"
    async with start() as service:
        again = await last(service, "magic", text="more")
        assert isinstance(again, Done)
        assert again.result.text == "more"
        assert isinstance(await last(service, "magic", user="web:ben", text="hello"), Replied)


async def test_consent_is_stored_with_its_time_and_the_hashes_of_text_and_files() -> None:
    now = 1000.0
    about = {"width": None, "height": None, "seconds": None}
    file = {"path": "a.png", "mime": "image/png", "sha256": "f" * 64, "bytes": 1, **about}
    job = fake_echo().model_copy(update={"params": {"image": file}})
    async with Store.open(":memory:", clock=lambda: now) as store:
        assert await store.find_consent(job.user, job.command, HASH) is None
        await store.add_consent(job, HASH)
        now = 2000.0
        await store.add_consent(job, HASH)
        kept = await store.find_consent(job.user, job.command, HASH)
        assert kept is not None
        assert (kept.given, kept.statement, kept.files) == (1000.0, HASH, ("f" * 64,))
        assert await store.find_consent(job.user, job.command, "0" * 64) is None, "other words are asked again"
        assert await store.find_consent("web:ben", job.command, HASH) is None


async def test_a_declined_question_is_no_consent(start: Start) -> None:
    async with start() as service:
        for _ in range(2):
            asked = await last(service, "magic", text="hello")
            assert isinstance(asked, Replied)
            await last(service, "no", job=asked.buttons[1].argument)


async def test_clicking_again_under_another_persons_result_asks_too(start: Start) -> None:
    async with start() as service:
        asked = await last(service, "magic", text="hello")
        assert isinstance(asked, Replied)
        made = await last(service, "yes", job=asked.buttons[0].argument)
        assert isinstance(made, Done)
        other = await last(service, "once_more", user="web:ben", text="hello")
        assert isinstance(other, Replied)
        assert other.result.text == WORDS
        own = await last(service, "once_more", text="hello")
        assert isinstance(own, Done)
        assert not isinstance(own, Replied)


async def test_a_command_that_is_off_is_refused_from_its_buttons_too(start: Start) -> None:
    async with start(off={"magic": ["discord:42"]}) as service:
        refused = await last(service, "magic", text="hello", place="discord:42")
        assert isinstance(refused, Failed)
        assert str(refused.sentence) == "/magic is turned off here."
        asked = await last(service, "magic", text="hello", place="discord:43")
        assert isinstance(asked, Replied)
        await last(service, "yes", job=asked.buttons[0].argument)
        again = await last(service, "once_more", text="hello", place="discord:42")
        assert isinstance(again, Failed)
        assert again.kind == "NotAllowed"


@asynccontextmanager
async def run_beside(adapter: Callable[[Service], Any], service: Service) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(adapter(service))
        yield
        task.cancel()


async def test_on_discord_a_button_asks_for_consent_and_a_server_can_turn_it_off(start: Start) -> None:
    async with DiscordServer() as server:
        place, other = server.world.guild(), server.world.guild()
        sections = {"discord": {"token": DiscordServer.token}, "off": {"magic": [f"discord:{other.guild}"]}}
        async with start(**sections) as service, run_beside(discord.run, service):
            await server.connected()
            ana = server.person("ana", place)
            asked = ana.slash("magic", text="hello")
            shown = await asked.until(lambda shown: shown.buttons)
            assert (shown.content, list(shown.buttons)) == (WORDS, ["I confirm", "No, cancel"])
            await ana.press("I confirm", asked.message).acknowledged()
            await server.until(lambda: any(shown.content == "hello" for shown in server.messages(place)))
            assert shown.ephemeral
            await ana.slash("magic", text="more").until(lambda shown: shown.content == "more")
            refused = server.person("bo", other).slash("magic", text="hello")
            assert (await refused.until(lambda shown: "turned off here" in shown.content)).ephemeral


async def test_on_telegram_a_button_asks_for_consent_and_a_group_can_turn_it_off(start: Start) -> None:
    async with TelegramServer() as server:
        room = server.group()
        telling = {"token": server.token, "base_url": server.origin}
        async with start(telegram=telling) as service, run_beside(telegram.run, service):
            ana = room.seat(7)
            asked = await ana.answer(to=await ana.say("/magic hello"), when=has_buttons)
            assert asked["text"] == WORDS
            await ana.press(asked, "I confirm")
            await server.until(lambda: room.messages[asked["message_id"]]["text"] == "hello")
            await ended(service.studio.store, asked["reply_markup"]["inline_keyboard"][0][0]["callback_data"][4:])
        group = asked["chat"]["id"]
        off = {"magic": [f"telegram:{group}"]}
        async with start(telegram=telling, off=off) as service, run_beside(telegram.run, service):
            text = await ana.answer(to=await ana.say("/magic more"))
            assert "turned off here" in text["text"]


def has_buttons(message: Json) -> bool:
    return "inline_keyboard" in message.get("reply_markup", {})
