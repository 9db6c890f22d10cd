"""A job over its rate limit on Discord, on Telegram and on the page: it waits in its message and is not lost.

The store's clock is the test's, so that no limit ends before the test lets it.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.adapters import discord, telegram
from bot.adapters.web import Server
from bot.app import AppContext
from bot.commands import COMMANDS
from bot.config.settings import Settings
from bot.i18n.translate import translate
from bot.requests.service import Service
from engine.host.engine import Engine
from storage.files import Files
from storage.store import Rate, Store
from tests.bot.adapters.confirming_commands import echo
from tests.bot.adapters.test_confirmations import labels, run_beside
from tests.bot.adapters.website import Site
from tests.fakes import small_engine
from tests.servers.discord import DiscordServer
from tests.servers.telegram import TelegramServer
from tests.storage.builders import Clock

pytestmark = pytest.mark.asyncio(loop_scope="module")
WINDOW = 0.3
"""Seconds of the rate limit, after which a waiting job looks at the clock again."""
WAITS = "You have reached the limit of /echo: 1 in 0.3 s. This one starts in about 5 s."
ESPERA = translate(
    "You have reached the limit of /{command}: {count} in {window:duration}. This one starts in about {time:duration}.",
    "es",
    command="echo",
    count=1,
    window=WINDOW,
    time=5.0,
)
assert ESPERA.startswith("Has llegado al límite de /echo")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    async with small_engine(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.now = time.time()
    return clock


@asynccontextmanager
async def opened(engine: Engine, folder: Path, clock: Clock, **sections: Any) -> AsyncIterator[Service]:
    """Open the studio in `folder`, as after a restart."""
    settings = Settings.model_validate({"bot": {"data_dir": folder}, **sections})
    settings = settings.model_copy(update={"limits": {"echo": Rate(1, WINDOW)}})
    async with Store.open(folder / "atelier.db", clock=clock) as store:
        files = Files(folder / "media", max_bytes=1_000_000, max_pixels=10_000_000)
        yield Service(AppContext(settings, store, files, engine, (*COMMANDS, echo)))


async def test_on_discord_it_waits_through_a_restart_and_answers_in_its_message(
    engine: Engine, tmp_path: Path, clock: Clock
) -> None:
    async with DiscordServer() as server:
        ana = server.person("ana", server.world.guild())

        @asynccontextmanager
        async def start() -> AsyncIterator[Service]:
            async with opened(engine, tmp_path, clock, discord={"token": DiscordServer.token}) as service:
                async with run_beside(discord.run, service):
                    await server.connected()
                    yield service
                    await service.close()
                await server.until(lambda: not server.gateway.live)

        async with start():
            await ana.slash("echo", text="one").until(lambda shown: shown.content == "one")
            answer = ana.slash("echo", text="two")
            shown = await answer.until(lambda shown: shown.content == WAITS)
            assert list(shown.buttons) == ["Cancel"]
        async with start():
            await server.until(lambda: [state.content for state in answer.states].count(WAITS) == 2)
            clock.forward(WINDOW)
            await answer.until(lambda shown: shown.content == "two")
            assert len(server.messages(ana.place)) == 2


async def test_on_discord_it_is_cancelled_by_its_button(engine: Engine, tmp_path: Path, clock: Clock) -> None:
    async with (
        DiscordServer() as server,
        opened(engine, tmp_path, clock, discord={"token": DiscordServer.token}) as service,
    ):
        ana = server.person("ana", server.world.guild())
        async with run_beside(discord.run, service):
            await server.connected()
            await ana.slash("echo", text="one").until(lambda shown: shown.content == "one")
            answer = ana.slash("echo", text="two")
            await answer.until(lambda shown: shown.content == WAITS)
            ana.press("Cancel", answer.message)
            await answer.until(lambda shown: "Cancelled." in shown.content)
            clock.forward(WINDOW)
            await ana.slash("echo", text="three").until(lambda shown: shown.content == "three")


async def test_on_telegram_it_waits_through_a_restart_and_answers_in_its_message(
    engine: Engine, tmp_path: Path, clock: Clock
) -> None:
    async with TelegramServer() as server:
        chat = server.private(7, language="es")

        @asynccontextmanager
        async def start() -> AsyncIterator[Service]:
            section = {"token": server.token, "base_url": server.origin}
            async with (
                opened(engine, tmp_path, clock, telegram=section) as service,
                run_beside(telegram.run, service),
            ):
                yield service
                await service.close()

        async with start():
            await chat.answer(to=await chat.say("/echo uno"), when=lambda message: message.get("text") == "uno")
            sent = await chat.say("/echo dos")
            waiting = await chat.answer(to=sent, when=lambda message: message.get("text") == ESPERA)
            assert labels(waiting) == ["Cancelar"]
        async with start():
            clock.forward(WINDOW)
            answer = await chat.answer(to=sent, when=lambda message: message.get("text") == "dos")
            assert answer["message_id"] == waiting["message_id"]


async def test_on_the_page_it_waits_and_a_program_is_refused(engine: Engine, tmp_path: Path, clock: Clock) -> None:
    async with opened(engine, tmp_path, clock) as service:
        server = await Server.of(service)
        await server.start("127.0.0.1", 0)
        site = Site(service, server)
        async with site.browser() as page, site.visitor() as program:
            first = await page.job("echo", text="one")
            await page.ended(first["id"])
            waiting = await page.job("echo", text="two")
            assert (waiting["state"], waiting["text"], waiting["seconds_left"]) == ("queued", WAITS, 5)
            assert [button["command"] for button in waiting["buttons"]] == ["cancel"]
            refused = await program.post("/jobs", json={"line": "/echo three"})
            assert (refused.status, refused.json["error"]["kind"]) == (429, "RateLimited")
            assert (await page.state(waiting["id"]))["text"] == WAITS
            clock.forward(WINDOW)
            assert (await page.ended(waiting["id"]))["text"] == "two"
        await service.close()
        await server.stop()
