"""Discord's forms keep to Discord's bounds, and are answered when they were open across a restart."""

# ruff: noqa: F401, F811  # pytest finds fixtures by their names

import pytest

from bot.adapters.discord.client import FORM_EXPIRED
from bot.adapters.discord.forms import EDIT_LENGTH, FORM_SECONDS, menu_form
from bot.commands import COMMANDS
from bot.core.command import Attachment, Command
from bot.i18n.translate import translate
from storage.store import Store
from tests.servers.discord import DiscordServer, Person, Place

from .test_discord_buttons import MENU, Start, ana, engine, is_final, place, png, server, start

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command.name))
async def test_a_field_stays_within_discords_limits(command: Command) -> None:
    async with Store.open(":memory:") as store:
        form = (await menu_form(store, command, Attachment("cat.png"), "en")).to_dict()
    assert len(form["custom_id"]) <= 100
    for label in form["components"]:
        assert 1 <= label["component"]["max_length"] <= EDIT_LENGTH


async def test_a_form_that_is_open_across_a_restart_is_answered(start: Start, ana: Person) -> None:
    posted = ana.post("look", ("cat.png", png(64)))
    async with start():
        form = await ana.choose(MENU, posted).form()
    async with start():
        shown = await ana.fill(form, "a green frog").until(is_final, within=60)
    assert shown.files
    assert "a green frog" in shown.content


async def test_a_form_that_has_expired_says_so(start: Start, ana: Person, server: DiscordServer) -> None:
    posted = ana.post("look", ("cat.png", png(64)))
    async with start() as service:
        form = await ana.choose(MENU, posted).form()
        assert await service.studio.store.delete_expired(FORM_SECONDS * 1e6) == 1
        ana.fill(form, "a green frog")
        await server.until(lambda: len(server.messages(ana.place)) == 2)
    told = server.messages(ana.place)[-1]
    assert (told.content, told.ephemeral) == (translate(FORM_EXPIRED), True)
