"""Every command through the real discord.py, with a loopback Discord, the real store and a real worker."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from discord import Permissions
from discord.http import Route
from PIL import Image
from pydantic import SecretStr

from bot.adapters.discord import adapter, run
from bot.adapters.discord import message as live
from bot.adapters.discord.invitation import invitation_url
from bot.adapters.discord.origin import origin_of
from bot.adapters.discord.slash import MAX_TEXT_LENGTH
from bot.app import AppContext
from bot.commands import COMMANDS
from bot.config.sections import DiscordSection
from bot.config.settings import Settings
from bot.core.command import Command, Request
from bot.i18n.translate import Language, translate
from bot.requests.call import JobCall, command
from bot.requests.service import Service
from engine.core.job import Done, Job, Progress, Queued, Result, Started, Update
from engine.core.options import Option
from engine.core.params import TaskParams
from engine.media.files import keep
from engine.tasks.echo import Params as Echo
from engine.weights import registry
from storage.files import Files
from storage.store import Rate, Store
from tests.fakes import echo as fake_echo
from tests.fakes import ended, paused, quiet, small_engine, until
from tests.servers.discord import Answer, DiscordServer, Person, Place, Shown

pytestmark = pytest.mark.asyncio(loop_scope="module")
BOSS = 4242
LANGUAGES: tuple[tuple[str, Language], ...] = (("en-GB", "en"), ("es-ES", "es"), ("es-419", "es"), ("fr", "en"))


@command("Say it back")
async def echo(call: JobCall, params: Echo) -> Job:
    return await call.build_job("echo", params)


@command("Say it back, but rarely")
async def rare(call: JobCall, params: Echo) -> Job:
    return await call.build_job("echo", params)


@command("Break")
async def broken(call: JobCall, params: TaskParams) -> Job:  # noqa: ARG001  # a command's signature
    raise RuntimeError("a fault that a test asked for")


OURS = (*COMMANDS, echo, rare, broken)
TYPED = tuple(command for command in COMMANDS if not command.hidden)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """One service for the module, because starting a worker takes a second."""
    folder = tmp_path_factory.mktemp("studio")
    (folder / "weights").symlink_to(registry.FOLDER.resolve())
    settings = Settings().model_copy(
        update={
            "bot": Settings().bot.model_copy(update={"data_dir": folder}),
            "discord": DiscordSection(token=SecretStr(DiscordServer.token), admins=(BOSS,)),
            "limits": {"rare": Rate(1, 3600.0)},
        }
    )
    async with Store.open(":memory:") as store, small_engine(folder, models=(("imagine", "pocket"),)) as engine:
        files = Files(folder / "media", max_bytes=1_000_000, max_pixels=10_000_000)
        yield Service(AppContext(settings, store, files, engine, OURS))


@pytest_asyncio.fixture(loop_scope="module")
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        yield server


@asynccontextmanager
async def running(service: Service, server: DiscordServer) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(run(service))
        await server.connected()
        yield
        task.cancel()
    await server.until(lambda: not server.gateway.live)


@pytest_asyncio.fixture(loop_scope="module")
async def ana(service: Service, server: DiscordServer) -> AsyncIterator[Person]:
    """Ana in a server, with the bot running."""
    async with running(service, server):
        yield server.person("ana", server.world.guild())


def plain_text(shown: Shown) -> str:
    """Return the text without the marks that keep Discord from formatting it."""
    return shown.content.replace("\\", "")


def is_final(shown: Shown) -> bool:
    return not shown.loading and "Cancel" not in shown.buttons


def required_values(command: Command) -> dict[str, Any]:
    """Return a value for each required option."""
    fitting = {"text": "a red apple", "integer": 1, "number": 1.0, "flag": True}
    given = {option.name: fitting.get(option.kind) or sample_file(option) for option in command.params.options()}
    return {option.name: given[option.name] for option in command.params.options() if option.required}


def sample_file(option: Option) -> tuple[str, bytes]:
    """Return a file of a kind that the option accepts."""
    return ("a.wav", quiet()) if "sound" in option.accepts else ("cat.png", png(96))


@pytest.mark.parametrize("command", TYPED, ids=lambda command: command.name)
async def test_every_command_is_answered(ana: Person, command: Command) -> None:
    answer = ana.slash(command.name, **required_values(command))
    await answer.acknowledged()
    shown = await answer.until(is_final)
    assert shown.content
    is_question = "No, cancel" in shown.buttons
    assert shown.ephemeral == command.ephemeral or is_question or shown.content.startswith("⚠️")


async def test_a_picture_comes_with_its_prompt_as_alt_text_after_progress(ana: Person) -> None:
    answer = ana.slash("imagine", prompt="a green frog", seed=7, steps=4)
    shown = await answer.until(is_final)
    (picture,) = shown.files
    assert picture.description == "a green frog"
    assert picture.name.startswith("a-green-frog-")
    assert Image.open(BytesIO(picture.data)).format == "PNG"
    assert "a green frog" in plain_text(shown)
    assert "seed 7" in plain_text(shown)
    assert "Cancel" in answer.states[1].buttons


async def test_a_picture_can_start_from_an_attached_one(ana: Person) -> None:
    answer = ana.slash("imagine", prompt="a blue car", image=("car.png", png(96)), steps=4)
    shown = await answer.until(is_final)
    assert len(shown.files) == 1


@pytest.mark.parametrize("where", ["guild", "direct", "group", "foreign_guild"])
@pytest.mark.usefixtures("ana")
async def test_servers_direct_messages_groups_and_user_installs_are_served(
    service: Service, server: DiscordServer, where: str
) -> None:
    world = server.world
    place = world.group("ana", "bo") if where == "group" else getattr(world, where)()
    person = server.person("ana", place)
    with paused(service.studio.engine):
        answer = person.slash("echo", text=f"hello {where}")
        job = await job_of(service, answer)
    assert (job.user, job.origin) == (f"discord:{person.id}", f"{place.channel}/{answer.message}")
    assert job.private == (place.guild is None)
    shown = await answer.until(is_final)
    assert plain_text(shown) == f"hello {where}"
    assert not shown.ephemeral


async def job_of(service: Service, answer: Answer) -> Job:
    """Return the job that the answer's Cancel button names."""
    working = await answer.until(lambda state: state.buttons)
    row = await service.studio.store.job(working.buttons["Cancel"].removeprefix("cancel:"))
    assert row is not None
    return row.job


# what Discord is told of the commands


def synced(server: DiscordServer, command: Command) -> dict[str, Any]:
    found = server.backend.find_command(command.name, None)
    assert found is not None
    return found


@pytest.mark.usefixtures("ana")
@pytest.mark.parametrize("command", TYPED, ids=lambda command: command.name)
async def test_options_carry_types_bounds_choices_and_both_languages(server: DiscordServer, command: Command) -> None:
    known = synced(server, command)
    assert_described(known, command.description)
    assert (known["contexts"], known["integration_types"]) == ([0, 1, 2], [0, 1])
    for option in command.params.options():
        payload = next(payload for payload in known["options"] if payload["name"] == option.name)
        assert_described(payload, option.description)
        assert payload.get("required", False) == option.required
        assert payload["type"] == kind(option)
        assert [choice["value"] for choice in payload.get("choices", [])] == list(option.choices)
        low, high = ("min_length", "max_length") if option.kind == "text" else ("min_value", "max_value")
        most = min(option.maximum, MAX_TEXT_LENGTH) if option.kind == "text" and option.maximum else option.maximum
        assert (payload.get(low), payload.get(high)) == (option.minimum, most)


def assert_described(payload: dict[str, Any], english: str) -> None:
    """Assert that the description is complete, and in Spanish too unless the texts are equal."""
    assert payload["description"] == english
    spanish = translate(english, "es")
    expected = {} if spanish == english else {"es-ES": spanish, "es-419": spanish}
    assert payload.get("description_localizations", {}) == expected


def kind(option: Option) -> int:
    """Return Discord's number for the type of an option."""
    if option.kind == "choice":
        return 3 if isinstance(option.choices[0], str) else 4
    return {"text": 3, "integer": 4, "flag": 5, "number": 10, "media": 11}[option.kind]


async def test_commands_are_sent_only_when_they_changed(service: Service, server: DiscordServer) -> None:
    for _ in range(2):
        async with running(service, server):
            pass
    assert server.synced() == 1
    fewer = Service(replace(service.studio, commands=COMMANDS))
    async with running(fewer, server):
        pass
    assert server.synced() == 2


async def test_commands_that_discord_refuses_are_sent_again_at_the_next_start(
    service: Service, server: DiscordServer
) -> None:
    server.trouble("PUT", "/applications/*", status=403)
    for _ in range(2):
        async with running(service, server):
            pass
    assert server.synced() == 2


# refusals


async def test_a_job_over_the_limit_says_how_long_it_waits_in_the_persons_language(ana: Person) -> None:
    await ana.slash("rare", text="one").until(is_final)
    english = (
        "You have reached the limit of /{command}: {count} in {window:duration}. This one starts in about"
        " {time:duration}."
    )
    for locale, language in LANGUAGES:
        answer = replace(ana, locale=locale).slash("rare", text="two")
        shown = await answer.until(lambda state: state.buttons)
        expected = [
            translate(english, language, command="rare", count=1, window=3600.0, time=60.0 * minutes)
            for minutes in range(61)
        ]
        assert plain_text(shown) in expected
        ana.press(translate("Cancel", language), answer.message)
        await answer.until(is_final)


async def test_a_file_that_is_not_what_its_name_says_is_refused(ana: Person) -> None:
    shown = await ana.slash("imagine", prompt="x", image=("cat.png", b"no picture at all")).until(is_final)
    assert "image" in plain_text(shown)
    assert "cat.png" in plain_text(shown)
    assert shown.ephemeral


async def test_a_refusal_is_for_the_person_alone_and_leaves_nothing_in_the_channel(
    server: DiscordServer, ana: Person
) -> None:
    too_many = "{1|2|3|4|5|6|7|8|9|10}" * 3
    for options in ({"prompt": "x", "mask": ("mask.png", png(96))}, {"prompt": too_many}, {"prompt": "x", "width": 64}):
        answer = ana.slash("imagine", **options)
        shown = await answer.until(is_final)
        assert shown.content.startswith("⚠️")
        assert shown.ephemeral
    assert all(shown.ephemeral for shown in server.messages(ana.place))


async def test_an_option_that_is_refused_at_once_shows_no_placeholder(server: DiscordServer, ana: Person) -> None:
    answer = ana.slash("queue", action="pause")
    shown = await answer.until(is_final)
    assert "for admins only" in plain_text(shown)
    denied = ana.slash("imagine", prompt="   ")
    assert (await denied.until(is_final)).ephemeral
    assert [state.loading for state in denied.states] == [False]
    server.trouble("DELETE", "/webhooks/*", status=503)
    late = await ana.slash("imagine", prompt="x", width=64).until(is_final)
    assert late.ephemeral, "the placeholder is deleted although Discord failed at first"


async def test_a_person_alone_with_the_bot_sees_a_refusal_in_the_answer(server: DiscordServer, ana: Person) -> None:
    alone = replace(ana, place=server.world.direct())
    shown = await alone.slash("imagine", prompt="x", width=64).until(is_final)
    assert (shown.content[:2], shown.ephemeral) == ("⚠️", False)


async def test_an_attachment_that_breaks_off_is_refused(server: DiscordServer, ana: Person) -> None:
    server.cdn.torn.add("half.png")
    shown = await ana.slash("imagine", prompt="x", image=("half.png", png(300))).until(is_final)
    assert "half.png" in plain_text(shown)


async def test_an_internal_error_is_reported_without_a_traceback(ana: Person) -> None:
    shown = await ana.slash("broken").until(is_final)
    assert plain_text(shown) == "Something went wrong on our side. Please try again later."


async def test_a_file_too_large_for_the_server_is_refused_with_the_limit(ana: Person) -> None:
    shown = await replace(ana, limit=2_000).slash("imagine", prompt="a red apple").until(is_final)
    assert not shown.files
    assert "can be sent" in plain_text(shown)


async def test_long_text_with_markdown_is_shortened_to_discords_limit(ana: Person) -> None:
    shown = await ana.slash("echo", text="*" * 1500).until(is_final)
    assert len(shown.content) == 2000
    assert shown.content.startswith("\\*\\*")


async def test_a_removed_command_that_discord_still_shows_is_refused(service: Service, server: DiscordServer) -> None:
    async with running(service, server):
        pass
    server.trouble("PUT", "/applications/*", status=403)
    fewer = Service(replace(service.studio, commands=COMMANDS))
    async with running(fewer, server):
        shown = await server.person("ana", server.world.guild()).slash("echo", text="hi").until(is_final)
    assert plain_text(shown) == "⚠️ There is no command /echo. Use /help to see them all."


async def test_an_answer_that_cannot_be_posted_affects_nobody_else(
    server: DiscordServer, service: Service, ana: Person
) -> None:
    in_group = replace(ana, place=server.world.group("ana", "bo"))
    with paused(service.studio.engine):
        answer = in_group.slash("echo", text="late in a group")
        await answer.until(lambda state: state.buttons)
        server.backend.clock.advance(15 * 60)
    await server.until(lambda: any(sent.path.startswith("/channels/") for sent in server.rest.requests))
    assert plain_text(await ana.slash("echo", text="next").until(is_final)) == "next"


# the first contact


@pytest.mark.parametrize(("locale", "words"), [("en-US", "To choose who may use me"), ("es-ES", "Para elegir quién")])
async def test_the_bot_introduces_itself_in_a_server_that_adds_it(
    service: Service, server: DiscordServer, locale: str, words: str
) -> None:
    closing = Service(service.studio)
    with paused(service.studio.engine):
        async with running(closing, server):
            waiting = server.person("ana", server.world.direct()).slash("echo", text="once the servers are known")
            job = await job_of(service, waiting)
            await closing.close()
    async with running(Service(service.studio), server):
        await waiting.until(lambda state: "servers" in state.content)
        await ended(service.studio.store, job.id)
        mute = server.world.join_guild("Quiet", may_write=False)
        place = server.world.join_guild(locale=locale)
        await server.until(lambda: place.channel in server.backend.messages and server.messages(place))
        (welcome,) = server.messages(place)
        assert "/imagine" in plain_text(welcome)
        assert "/help" in plain_text(welcome)
        assert words in plain_text(welcome)
    async with running(service, server):
        await server.person("ana", place).slash("status").until(is_final)
        assert len([shown for shown in server.messages(place) if words in plain_text(shown)]) == 1
    asked = [sent for sent in server.rest.requests if sent.path == f"/channels/{mute.channel}/messages"]
    assert not asked, "it may not write there"


async def test_the_invitation_asks_for_the_permissions_that_answers_need() -> None:
    query = parse_qs(urlsplit(invitation_url(7)).query)
    granted = Permissions(int(query["permissions"][0]))
    assert query["scope"] == ["bot applications.commands"]
    assert granted.send_messages
    assert granted.attach_files
    assert granted.read_message_history
    assert not granted.administrator
    assert not granted.manage_messages


@pytest.mark.usefixtures("ana")
async def test_commands_for_admins_are_hidden_from_members(server: DiscordServer) -> None:
    allowed = {command.name: synced(server, command).get("default_member_permissions") for command in TYPED}
    hidden = {name for name, permissions in allowed.items() if str(permissions) == "0"}
    assert hidden == {command.name for command in TYPED if command.admin} != set()


async def test_links_in_a_prompt_show_no_preview(ana: Person) -> None:
    shown = await ana.slash("echo", text="see https://a.example/x_(y), and (http://b.example).").until(is_final)
    assert plain_text(shown) == "see <https://a.example/x_(y)>, and (<http://b.example>)."
    many = await ana.slash("echo", text="*" * 460 + " https://a.b/" * 80).until(is_final)
    assert len(many.content) <= 2000
    assert many.content.count("<http") == many.content.count("http") == many.content.count(">") > 60


# admins


async def test_manage_server_gives_no_rights_over_the_studio(server: DiscordServer, ana: Person) -> None:
    server.world.allow(ana.id, ana.place, "manage_guild")
    assert "Only admins can clear the cache" in plain_text(await ana.slash("cache", action="clear").until(is_final))
    for action in ("show", "pause", "drain"):
        assert "for admins only" in plain_text(await ana.slash("queue", action=action).until(is_final))
    assert "Who used most" not in plain_text(await ana.slash("stats").until(is_final))


async def test_manage_server_cancels_only_the_jobs_of_that_server(
    server: DiscordServer, service: Service, ana: Person
) -> None:
    server.world.user("manager")
    manager = server.person("manager", ana.place)
    slow = ana.slash("echo", text="slow", seconds=600)
    job = await job_of(service, slow)
    assert "someone else" in plain_text(await manager.slash("cancel", job=job.id).until(is_final))
    elsewhere = server.world.guild("Elsewhere")
    for place in (elsewhere, server.world.foreign_guild()):
        server.world.allow(manager.id, place, "manage_guild")
        answer = replace(manager, place=place).slash("cancel", job=job.id)
        assert "someone else" in plain_text(await answer.until(is_final))
    server.world.allow(manager.id, ana.place, "manage_guild")
    assert plain_text(await manager.slash("cancel", job=job.id).until(is_final)) == "Cancelled: /echo"
    await slow.until(is_final)


async def test_manage_server_turns_a_command_off_in_that_server_alone(server: DiscordServer, ana: Person) -> None:
    server.world.user("manager")
    manager = server.person("manager", ana.place)
    asked = {"action": "off", "name": "rare"}
    assert "Only those who manage" in plain_text(await manager.slash("commands", **asked).until(is_final))
    for place in (server.world.foreign_guild(), ana.place):
        server.world.allow(manager.id, place, "manage_guild")
    elsewhere = replace(manager, place=server.world.foreign_guild())
    assert "Only those who manage" in plain_text(await elsewhere.slash("commands", **asked).until(is_final))
    assert "Off: /rare" in plain_text(await manager.slash("commands", **asked).until(is_final))
    assert "turned off here" in plain_text(await ana.slash("rare", text="here").until(is_final))
    at_home = replace(ana, place=server.world.direct("ana"))
    assert plain_text(await at_home.slash("rare", text="at home").until(is_final)) == "at home"


async def test_an_admin_in_the_config_is_admin_everywhere(server: DiscordServer, ana: Person) -> None:
    server.world.user("boss", BOSS)
    boss = server.person("boss", server.world.direct("boss"))
    assert "⚠️" not in plain_text(await boss.slash("cache", action="clear").until(is_final))
    assert ana.id != BOSS


# the live message


async def test_progress_is_edited_no_faster_than_discord_allows_and_ends_with_the_answer(ana: Person) -> None:
    answer = ana.slash("echo", text="slow", seconds=4)
    await answer.until(is_final)
    assert any("▱" in state.content for state in answer.states)
    edits = [state.at for state in answer.states[1:-1]]
    assert len(edits) <= (edits[-1] - edits[0]) / live.EDIT_SECONDS + 2  # a busy machine delays the first one
    assert plain_text(answer.now) == "slow"


class Scripted(Service):
    """Yields the same updates for every request, without an engine, and each of them only in its turn."""

    story: tuple[Update, ...] = ()
    turn = asyncio.Semaphore(0)

    async def handle(self, request: Request) -> AsyncGenerator[Update, None]:  # noqa: ARG002  # the seam's signature
        for update in self.story:
            await self.turn.acquire()
            yield update


async def test_queue_place_progress_bar_and_preview_are_shown_and_a_preview_is_uploaded_once(
    service: Service, server: DiscordServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "EDIT_SECONDS", 0.05)
    preview, picture = keep(png(32), tmp_path), keep(png(64), tmp_path)
    scripted = Scripted(service.studio)
    scripted.story = (
        Queued(job="j", place=2),
        Progress(job="j", stage="drawing", fraction=0.25, preview=preview, seconds_left=3),
        Progress(job="j", stage="drawing", fraction=0.75, preview=preview),
        Done(job="j", result=Result(media=(picture,), text="made", facts={"prompt": "two dots"})),
    )
    async with running(scripted, server):
        answer = server.person("ana", server.world.direct()).slash("echo", text="x")
        for shown in range(1, 5):
            scripted.turn.release()
            await answer.until(lambda _: len(answer.states) > shown)  # noqa: B023  # called in this round
    waiting, first, second, made = answer.states[1:]
    assert plain_text(waiting) == "Number 2 in the queue."
    assert plain_text(first) == "drawing · ▰▰▰▱▱▱▱▱▱▱▱▱ · 25% · 3 s left"
    assert first.files == second.files
    assert first.files[0].data == preview.path.read_bytes()
    assert [(file.data, file.description) for file in made.files] == [(picture.path.read_bytes(), "two dots")]
    assert [len(sent.files) for sent in server.rest.requests if sent.method == "PATCH"] == [0, 1, 0, 1]


async def test_the_cancel_button_ends_the_job_and_leaves_no_button(service: Service, ana: Person) -> None:
    answer = ana.slash("echo", text="to cancel", seconds=600)
    job = await job_of(service, answer)
    pressed = ana.press("Cancel", answer.message)
    shown = await answer.until(is_final)
    assert "Cancelled" in plain_text(shown)
    assert (await pressed.until(is_final)).ephemeral
    assert (await ended(service.studio.store, job.id)).state == "cancelled"


async def test_somebody_elses_job_is_not_cancelled(server: DiscordServer, service: Service, ana: Person) -> None:
    with paused(service.studio.engine):
        answer = ana.slash("echo", text="mine")
        await answer.until(lambda state: state.buttons)
        refused = await server.person("bo", ana.place).press("Cancel", answer.message).until(is_final)
    assert "someone else" in plain_text(refused)
    assert refused.ephemeral
    assert plain_text(await answer.until(is_final)) == "mine"


async def test_a_button_from_an_earlier_run_still_works(service: Service, server: DiscordServer) -> None:
    place = server.world.guild()
    ana = server.person("ana", place)
    asked = Request(command="echo", raw_options={"text": "old", "seconds": 600}, user=f"discord:{ana.id}", origin="")
    async with aclosing(service.handle(asked)) as updates:
        job = await anext(update.job async for update in updates if isinstance(update, Started))
        old = old_message(server, place, f"cancel:{job}")
        async with running(service, server):
            shown = await ana.press("Cancel", old).until(is_final)
            assert plain_text(shown) == "Cancelled: /echo old"
        assert [update.type async for update in updates][-1] == "failed"


def old_message(server: DiscordServer, place: Place, custom_id: str) -> int:
    """Add a message with a button that this process did not send."""
    button = {"type": 2, "style": 2, "label": "Cancel", "custom_id": custom_id}
    row = {"type": 1, "components": [button]}
    message = server.backend.create_message(place.channel, server.backend.bot_user.id, "working", components=[row])
    server.history.note()
    return message.id


async def test_an_answer_after_more_than_fifteen_minutes_still_arrives(
    server: DiscordServer, service: Service, ana: Person
) -> None:
    with paused(service.studio.engine):
        answer = ana.slash("echo", text="late")
        await answer.until(lambda state: state.buttons)
        server.backend.clock.advance(15 * 60)
    assert plain_text(await answer.until(is_final)) == "late"
    assert server.rest.requests[-1].path == f"/channels/{ana.place.channel}/messages/{answer.message}"


async def test_an_answer_lost_by_the_network_is_sent_again(
    server: DiscordServer, service: Service, ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.adapters.discord.route.RETRY_SECONDS", 0.05)
    with paused(service.studio.engine):
        answer = ana.slash("echo", text="lost once")
        await answer.until(lambda state: state.buttons)
        server.rest.cut.add("PATCH")
    assert plain_text(await answer.until(is_final)) == "lost once"
    assert not server.rest.cut


async def test_a_job_goes_on_in_the_same_message_after_a_restart(service: Service, server: DiscordServer) -> None:
    closing = Service(service.studio)
    async with running(closing, server):
        answer = server.person("ana", server.world.direct()).slash("echo", text="later", seconds=3)
        await answer.until(lambda state: state.buttons)
        await closing.close()
        assert plain_text(answer.now) == "⏸️ The studio is restarting. This job will continue when it is back."
    async with running(Service(service.studio), server):
        assert plain_text(await answer.until(is_final)) == "later"


@pytest.mark.parametrize("is_finished", [False, True], ids=["still to run", "made, not told"])
async def test_a_message_from_an_earlier_run_gets_its_answer_after_fifteen_minutes(
    service: Service, server: DiscordServer, is_finished: bool
) -> None:
    place = server.world.guild()
    ana = server.person("ana", place)
    job = Job.model_validate(
        {**fake_echo(f"discord:{ana.id}", text=f"old, {is_finished}").model_dump(), "language": "es"}
    )
    message = old_message(server, place, f"cancel:{job.id}")
    await service.studio.store.admit(job)
    await service.studio.store.set_origin(job.id, origin_of(place.channel, message))
    await service.studio.store.start(job.id, "cpu")
    if is_finished:
        await service.studio.store.finish(job.id, Result(text=f"old, {is_finished}"), 1)
    server.backend.clock.advance(20 * 60)
    async with running(Service(service.studio), server):
        row = await ended(service.studio.store, job.id)
    assert (row.state, row.attempt) == ("done", 1 if is_finished else 2)
    shown = server.history.states[message][-1]
    assert plain_text(shown) == f"old, {is_finished}"
    assert sum("old" in plain_text(state) for state in server.messages(place)) == 1


async def test_the_cancel_button_of_a_resumed_job_cancels_it(service: Service, server: DiscordServer) -> None:
    place = server.world.guild()
    ana = server.person("ana", place)
    job = fake_echo(f"discord:{ana.id}", text="never", seconds=600)
    message = old_message(server, place, f"cancel:{job.id}")
    await service.studio.store.admit(job)
    await service.studio.store.set_origin(job.id, origin_of(place.channel, message))
    server.backend.clock.advance(20 * 60)
    restarted = Service(service.studio)
    async with running(restarted, server):
        await until(lambda: restarted.coalescer.queue_position(job.id) == 0)
        await ana.press("Cancel", message).until(is_final)
        assert (await ended(service.studio.store, job.id)).state == "cancelled"
    assert plain_text(server.history.states[message][-1]) == "⚠️ Cancelled."


# the connection


@contextmanager
def unreachable() -> Iterator[None]:
    """Point discord.py to an address where nobody listens."""
    before, Route.BASE = Route.BASE, "http://127.0.0.1:9/api/v10"
    try:
        yield
    finally:
        Route.BASE = before


def state(service: Service) -> str:
    return str(service.studio.adapters.get("discord"))


@pytest.mark.usefixtures("server")
async def test_a_rejected_token_is_reported_and_ends_the_adapter(service: Service) -> None:
    settings = service.studio.settings
    wrong = settings.model_copy(update={"discord": DiscordSection(token=SecretStr("wrong"))})
    refused = Service(replace(service.studio, settings=wrong, adapters={}))
    await run(refused)
    assert state(refused) == "off: Discord rejected the token; set a new one in ATELIER_DISCORD_TOKEN and restart"


async def test_a_missing_network_is_reported_and_retried(
    service: Service, server: DiscordServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "FIRST_RETRY_SECONDS", 0.05)
    with unreachable():
        task = asyncio.create_task(run(service))
        await until(lambda: "can't reach Discord" in state(service))
    await server.connected()
    await until(lambda: state(service) == "on")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_lost_connection_is_resumed(service: Service, server: DiscordServer, ana: Person) -> None:
    await until(lambda: state(service) == "on")
    await server.gateway.drop()
    assert plain_text(await ana.slash("echo", text="again").until(is_final)) == "again"
    assert state(service) == "on"


def png(side: int) -> bytes:
    file = BytesIO()
    Image.effect_noise((side, side), 80).convert("RGB").save(file, "PNG")
    return file.getvalue()
