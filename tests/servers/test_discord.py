"""The loopback Discord itself must serve the real client as Discord does, and catch requests that do not fit."""

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest
from discord import app_commands

from tests.servers.discord import DiscordServer
from tests.servers.discord.spec import SPEC, Spec

needs_spec = pytest.mark.skipif(not SPEC.exists(), reason=f"{SPEC.name} is not beside this clone")


class Painter(discord.Client):
    """A small bot: /paint answers late with a file, and its button edits the message."""

    def __init__(self) -> None:
        super().__init__(intents=discord.Intents(guilds=True))
        self.tree = app_commands.CommandTree(self)
        self.seen: list[discord.Interaction] = []
        self.received: list[bytes | BaseException] = []
        paint: app_commands.Command[Any, ..., None] = app_commands.Command(
            name="paint", description="Paint", callback=self.generate
        )
        paint.allowed_contexts = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True)
        paint.allowed_installs = app_commands.AppInstallationType(guild=True, user=True)
        self.tree.add_command(paint)

    async def setup_hook(self) -> None:
        await self.tree.sync()

    async def generate(
        self, interaction: discord.Interaction, size: app_commands.Range[int, 1, 4], model: discord.Attachment | None
    ) -> None:
        self.seen.append(interaction)
        await interaction.response.defer()
        if size == 2:
            await interaction.delete_original_response()
            await interaction.followup.send("only for you", ephemeral=True)
            return
        if model is not None:
            self.received += await asyncio.gather(model.read(), return_exceptions=True)
        view = discord.ui.View(timeout=None)
        view.add_item(discord.ui.Button(label="More", custom_id="more:1"))
        picture = discord.File(io.BytesIO(b"p" * size), "p.png", description="a picture")
        await interaction.edit_original_response(content=f"size {size}", attachments=[picture], view=view)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        if interaction.type is discord.InteractionType.component:
            await interaction.response.edit_message(content="more")


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        yield server


@pytest.fixture
async def client(server: DiscordServer) -> AsyncIterator[Painter]:
    client = Painter()
    async with client:
        task = asyncio.create_task(client.start(server.token))
        await server.connected()
        yield client
        await client.close()
        await task


@pytest.mark.usefixtures("client")
async def test_a_follow_up_after_a_deleted_answer_has_its_own_flags(server: DiscordServer) -> None:
    answer = server.person("ana", server.world.guild()).slash("paint", size=2)
    shown = await answer.until(lambda state: state.content)
    assert (shown.content, shown.ephemeral) == ("only for you", True)
    assert not answer.states[0].ephemeral


async def test_a_slash_command_is_answered_with_a_file_and_a_button(server: DiscordServer, client: Painter) -> None:
    place = server.world.guild()
    answer = server.person("ana", place).slash("paint", size=3, model=("m.png", b"model"))
    shown = await answer.until(lambda state: state.files)
    assert (shown.content, shown.files[0].data, shown.files[0].description) == ("size 3", b"ppp", "a picture")
    assert answer.states[0].loading
    assert client.received == [b"model"]
    pressed = server.person("bo", place).press("More", answer.message)
    await pressed.until(lambda state: state.content == "more")


@pytest.mark.parametrize("where", ["guild", "direct", "group", "foreign_guild"])
async def test_interactions_come_from_every_kind_of_channel(server: DiscordServer, client: Painter, where: str) -> None:
    place = server.world.group("ana", "bo") if where == "group" else getattr(server.world, where)()
    answer = server.person("ana", place, locale="es-ES").slash("paint", size=1)
    await answer.until(lambda state: state.files)
    assert client.seen[0].user.name == "ana"
    assert client.seen[0].locale is discord.Locale.spain_spanish
    assert client.seen[0].is_user_integration() == (where in ("group", "foreign_guild"))
    assert not client.seen[0].permissions.manage_guild


async def test_manage_server_shows_in_the_permissions(server: DiscordServer, client: Painter) -> None:
    place = server.world.guild()
    server.world.allow(server.world.user("ana"), place, "manage_guild")
    await server.person("ana", place).slash("paint", size=1).until(lambda state: state.files)
    assert client.seen[0].permissions.manage_guild


@pytest.mark.usefixtures("client")
async def test_a_dropped_connection_resumes_and_misses_nothing(server: DiscordServer) -> None:
    place = server.world.guild()
    await server.gateway.drop()
    answer = server.person("ana", place).slash("paint", size=1)
    await answer.until(lambda state: state.files)
    assert len(server.gateway.sessions) == 1


async def test_an_attachment_can_break_off_halfway(server: DiscordServer, client: Painter) -> None:
    server.cdn.torn.add("m.png")
    answer = server.person("ana", server.world.guild()).slash("paint", size=1, model=("m.png", b"model" * 1000))
    await answer.until(lambda state: state.files)
    assert isinstance(client.received[0], Exception)


@pytest.mark.usefixtures("client")
async def test_a_rate_limit_is_obeyed_and_the_request_repeated(server: DiscordServer) -> None:
    server.trouble("PATCH", "/webhooks/*", status=429, retry_after=0.05)
    answer = server.person("ana", server.world.guild()).slash("paint", size=1)
    await answer.until(lambda state: state.files)
    assert sum(sent.method == "PATCH" for sent in server.rest.requests) == 2


@pytest.mark.usefixtures("client")
async def test_a_file_over_the_limit_is_refused(server: DiscordServer) -> None:
    answer = server.person("ana", server.world.direct(), limit=3).slash("paint", size=4)
    await server.until(lambda: any(sent.files for sent in server.rest.requests))
    assert answer.now.loading


@pytest.mark.usefixtures("server")
async def test_a_wrong_token_is_refused() -> None:
    async with Painter() as client:
        with pytest.raises(discord.LoginFailure):
            await client.start("wrong")


async def test_an_interaction_expires_after_fifteen_minutes(server: DiscordServer, client: Painter) -> None:
    answer = server.person("ana", server.world.guild()).slash("paint", size=1)
    await answer.until(lambda state: state.files)
    server.backend.clock.advance(15 * 60)
    with pytest.raises(discord.NotFound):
        await client.seen[0].edit_original_response(content="late")


@needs_spec
async def test_a_message_that_does_not_fit_is_refused_and_fails_the_test() -> None:
    server = DiscordServer()
    with pytest.raises(AssertionError, match="content"):
        await long_message(server)


async def long_message(server: DiscordServer) -> None:
    async with server, Painter() as client:
        await client.login(server.token)
        channel = client.get_partial_messageable(server.world.guild().channel)
        with pytest.raises(discord.HTTPException):
            await channel.send("x" * 4001)


@needs_spec
async def test_a_command_that_does_not_fit_is_refused_and_fails_the_test() -> None:
    server = DiscordServer()
    with pytest.raises(AssertionError, match="description"):
        await long_description(server)


async def long_description(server: DiscordServer) -> None:
    wrong = {"name": "paint", "description": "d" * 101}
    async with server, Painter() as client:
        await client.login(server.token)
        with pytest.raises(discord.HTTPException):
            await client.http.bulk_upsert_global_commands(client.application_id or 0, [wrong])


def test_requests_are_checked_against_the_description() -> None:
    if not SPEC.exists():
        pytest.skip(f"{SPEC.name} is not beside this clone: requests go unchecked")
    assert list(Spec().problems("PUT", "/nowhere", set(), None)) == ["PUT /nowhere: there is no such operation"]
