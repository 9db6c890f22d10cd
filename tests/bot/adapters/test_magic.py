"""/magic and its buttons, and the note on what wrote a prompt: on Discord, on Telegram and over HTTP."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientSession, CookieJar

from bot.adapters import discord, telegram
from bot.adapters.web import Server
from bot.commands import COMMANDS
from engine.host.engine import Engine
from engine.weights import registry
from tests.bot.adapters.confirming_commands import open_service_with
from tests.bot.adapters.test_confirmations import has_button, labels, run_beside
from tests.fakes import small_engine
from tests.servers.discord import DiscordServer
from tests.servers.telegram import Json, TelegramServer
from tests.tiny_gpt2 import save_silent_gpt2

pytestmark = pytest.mark.asyncio(loop_scope="module")
IDEA = "a red apple"
BUTTONS = ["Use", "Edit", "Another", "Original"]
TOLD = (
    "Prompt written by the built-in rules.\n"
    "The language model wrote nothing usable, so the built-in rules wrote this prompt."
)
LIMITS = {"imagine": "off", "magic": "off"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    """An engine whose language model returns nothing, so that the grammar writes instead."""
    folder = tmp_path_factory.mktemp("engine")
    (folder / "weights").symlink_to(registry.FOLDER.resolve())
    model = str(save_silent_gpt2(folder / "model"))
    async with small_engine(folder, models=(("imagine", "pocket"), ("magic", model))) as engine:
        await engine.service("imagine")
        yield engine


async def test_on_discord(engine: Engine, tmp_path: Path) -> None:
    async with DiscordServer() as server:
        place = server.world.guild()
        ana = server.person("ana", place)
        section = {"discord": {"token": DiscordServer.token}, "limits": LIMITS}
        async with (
            open_service_with(COMMANDS, engine, tmp_path, **section) as service,
            run_beside(discord.run, service),
        ):
            await server.connected()
            asked = ana.slash("magic", idea=IDEA)
            wrote = await asked.until(lambda shown: "Use" in shown.buttons)
            assert list(wrote.buttons) == BUTTONS
            assert "so the built-in rules wrote this" in wrote.content
            another = ana.press("Another", asked.message)
            assert list((await another.until(lambda shown: "Use" in shown.buttons)).buttons) == BUTTONS
            prompt = wrote.content.splitlines()[0]
            for label, drawn in (("Use", prompt), ("Original", IDEA)):
                made = await ana.press(label, asked.message).until(lambda shown: "Again" in shown.buttons)
                assert made.content.splitlines()[0] == drawn
            form = await ana.press("Edit", asked.message).form()
            edited = await ana.fill(form, "a blue apple").until(lambda shown: "Again" in shown.buttons)
            assert edited.content.splitlines()[0] == "a blue apple"
            both = ana.slash("imagine", prompt=IDEA, magic=True, steps=1)
            assert TOLD in (await both.until(lambda shown: "Again" in shown.buttons)).content


async def test_on_telegram(engine: Engine, tmp_path: Path) -> None:
    async with TelegramServer() as server:
        chat = server.private(7)
        section = {"telegram": {"token": server.token, "base_url": server.origin}, "limits": LIMITS}
        async with (
            open_service_with(COMMANDS, engine, tmp_path, **section) as service,
            run_beside(telegram.run, service),
        ):
            wrote = await chat.answer(to=await chat.say(f"/magic {IDEA}"), when=has_button("Use"))
            assert labels(wrote) == BUTTONS
            assert "so the built-in rules wrote this" in wrote["text"]
            prompt = wrote["text"].splitlines()[0]
            for label, drawn in (("Use", prompt), ("Original", IDEA)):
                await chat.press(wrote, label)
                made = await chat.answer(to=wrote, when=captioned(drawn))
                assert "photo" in made
            await chat.press(wrote, "Edit")
            prompt_message = await chat.answer(
                to=wrote, when=lambda message: f"\n\n{prompt}" in message.get("text", "")
            )
            sent = await chat.say("a blue apple", reply_to=prompt_message)
            assert (await chat.answer(to=sent, when=has_button("Again")))["caption"].startswith("a blue apple\n")
            both = await chat.say(f"/imagine {IDEA} --magic on --steps 1")
            assert TOLD in (await chat.answer(to=both, when=has_button("Again")))["caption"]


def captioned(words: str) -> Callable[[Json], bool]:
    return lambda message: message.get("caption", "").startswith(f"{words}\n")


async def test_over_http(engine: Engine, tmp_path: Path) -> None:
    async with open_service_with(COMMANDS, engine, tmp_path, limits=LIMITS) as service:
        server = await Server.of(service)
        await server.start("127.0.0.1", 0)
        async with ClientSession(server.url, cookie_jar=CookieJar(unsafe=True)) as session:
            body = {"prompt": IDEA, "magic": True, "steps": 1}
            async with session.post("/generate-image", json=body) as response:
                made = await response.json()
            assert "\n".join(made["notes"][:2]) == TOLD
            async with session.get(f"/jobs/{made['id']}") as response:
                assert TOLD in (await response.json())["text"]
        await service.close()
        await server.stop()
