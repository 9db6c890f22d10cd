"""Buttons under a result and message menus, through the real discord.py, the real store and a real worker."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image
from pillow_heif import register_heif_opener
from pydantic import SecretStr

from bot.adapters.discord import run
from bot.app import AppContext
from bot.commands import COMMANDS
from bot.config.sections import DiscordSection
from bot.config.settings import Settings
from bot.requests.service import Service
from engine.host.engine import Engine
from engine.weights import registry
from storage.files import Files
from storage.store import JobRecord, Rate, Store
from tests.fakes import small_engine
from tests.servers.discord import DiscordServer, Person, Place, Shown

pytestmark = pytest.mark.asyncio(loop_scope="module")
BOSS = 4242
Start = Callable[[], AbstractAsyncContextManager[Service]]
MENU = "Imagine from this picture…"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    folder = tmp_path_factory.mktemp("studio")
    (folder / "weights").symlink_to(registry.FOLDER.resolve())
    async with small_engine(folder, models=(("imagine", "pocket"),)) as engine:
        yield engine


@pytest_asyncio.fixture(loop_scope="module")
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module")
async def start(engine: Engine, server: DiscordServer, tmp_path: Path) -> AsyncIterator[Start]:
    """Return a function that starts the bot anew over the existing store and files."""
    settings = Settings().model_copy(
        update={
            "bot": Settings().bot.model_copy(update={"data_dir": tmp_path}),
            "discord": DiscordSection(token=SecretStr(DiscordServer.token), admins=(BOSS,)),
            "limits": {"imagine": Rate(5, 3600.0)},
        }
    )
    async with Store.open(tmp_path / "atelier.db") as store:

        @asynccontextmanager
        async def bot() -> AsyncIterator[Service]:
            files = Files(tmp_path / "media", max_bytes=1_000_000, max_pixels=10_000_000)
            service = Service(AppContext(settings, store, files, engine, COMMANDS))
            async with asyncio.TaskGroup() as group:
                task = group.create_task(run(service))
                await server.connected()
                yield service
                task.cancel()
            await server.until(lambda: not server.gateway.live)

        yield bot


@pytest_asyncio.fixture(loop_scope="module")
async def service(start: Start) -> AsyncIterator[Service]:
    async with start() as service:
        yield service


@pytest.fixture
def place(server: DiscordServer) -> Place:
    return server.world.guild()


@pytest.fixture
def ana(server: DiscordServer, place: Place) -> Person:
    return server.person("ana", place)


@pytest.fixture
def bo(server: DiscordServer, place: Place) -> Person:
    return server.person("bo", place)


def is_final(shown: Shown) -> bool:
    return not shown.loading and "Cancel" not in shown.buttons


async def draw(person: Person, **options: Any) -> int:
    """Return the id of a message with a picture of a green frog, or of what `options` say."""
    answer = person.slash("imagine", **{"prompt": "a green frog", "steps": 2, **options})
    shown = await answer.until(is_final)
    assert shown.files, shown.content
    return answer.message


async def press_button(person: Person, label: str, message: int) -> Shown:
    return await person.press(label, message).until(is_final)


def message_ids(server: DiscordServer, place: Place) -> set[int]:
    return set(server.backend.messages[place.channel])


async def job_of(service: Service, shown: Shown) -> JobRecord:
    row = await service.studio.store.job(shown.buttons["Delete"].removeprefix("delete:"))
    assert row is not None
    return row


async def test_again_draws_a_new_picture_each_time(server: DiscordServer, service: Service, ana: Person) -> None:
    message = await draw(ana)
    first = server.history.states[message][-1]
    assert list(first.buttons) == ["Again", "Vary", "Upscale", "Animate", "Delete"]
    others = [await press_button(ana, "Again", message) for _ in range(2)]
    rows = [await job_of(service, shown) for shown in (first, *others)]
    assert len({row.job.params["seed"] for row in rows}) == 3
    assert len({shown.files[0].data for shown in (first, *others)}) == 3
    assert {(row.job.command, row.job.params["prompt"]) for row in rows} == {("imagine", "a green frog")}


@pytest.mark.usefixtures("service")
async def test_again_counts_as_the_command_that_it_repeats(server: DiscordServer, ana: Person) -> None:
    message = await draw(ana)
    for _ in range(4):
        await press_button(ana, "Again", message)
    held = ana.press("Again", message)
    waiting = await held.until(lambda shown: "This one starts in about" in shown.content)
    assert "the limit of /imagine: 5 in" in waiting.content
    assert len(server.messages(ana.place)) == 6
    ana.press("Cancel", held.message)
    await held.until(is_final)


@pytest.mark.usefixtures("service")
async def test_a_button_works_twenty_minutes_later(server: DiscordServer, ana: Person) -> None:
    message = await draw(ana)
    server.backend.clock.advance(20 * 60)
    assert (await press_button(ana, "Again", message)).files


async def test_buttons_work_after_a_restart_and_a_year_later(server: DiscordServer, start: Start, ana: Person) -> None:
    async with start():
        message = await draw(ana)
    server.backend.clock.advance(400 * 86400)
    async with start():
        again = await press_button(ana, "Again", message)
        varied = await press_button(ana, "Vary", message)
    assert len({shown.files[0].data for shown in (server.history.states[message][-1], again, varied)}) == 3


async def test_vary_starts_from_the_picture_of_its_message(
    server: DiscordServer, service: Service, ana: Person
) -> None:
    message = await draw(ana, count=2)
    first = server.history.states[message][-1]
    assert list(first.buttons) == [
        "Again",
        "Vary 1",
        "Vary 2",
        "Upscale 1",
        "Upscale 2",
        "Animate 1",
        "Animate 2",
        "Delete",
    ]
    row = await job_of(service, await press_button(ana, "Vary 2", message))
    made = (await job_of(service, first)).result
    assert made is not None
    assert row.job.params["image"]["sha256"] == made.media[1].sha256
    assert row.job.params["prompt"] == "a green frog"


async def test_a_picture_that_is_no_longer_stored_is_taken_from_its_message(
    server: DiscordServer, service: Service, ana: Person
) -> None:
    message = await draw(ana)
    shown = server.history.states[message][-1]
    result = (await job_of(service, shown)).result
    assert result is not None
    result.media[0].path.unlink()
    row = await job_of(service, await press_button(ana, "Vary", message))
    assert row.job.params["image"]["sha256"] == result.media[0].sha256


async def test_another_person_can_draw_it_again_but_not_delete_it(
    server: DiscordServer, service: Service, ana: Person, bo: Person
) -> None:
    message = await draw(ana)
    shown = server.history.states[message][-1]
    answer = bo.press("Delete", message)
    await answer.acknowledged()
    await server.until(lambda: len(server.messages(ana.place)) == 2)
    refusal = server.messages(ana.place)[-1]
    assert refusal.ephemeral
    assert "Only the person who asked" in refusal.content
    assert message in message_ids(server, ana.place)
    row = await job_of(service, await press_button(bo, "Again", message))
    assert row.job.user == f"discord:{bo.id}"
    assert (await job_of(service, shown)).result is not None


@pytest.mark.parametrize("who", ["ana", "boss", "manager"])
async def test_delete_removes_the_message_the_files_and_the_prompt(
    server: DiscordServer, service: Service, ana: Person, place: Place, who: str
) -> None:
    server.world.user("boss", BOSS)
    message = await draw(ana, seed=9)
    shown = server.history.states[message][-1]
    before = (await job_of(service, shown)).result
    assert before is not None
    if who == "manager":
        server.world.allow(server.person(who, place).id, place, "manage_guild")
    server.person(who, place).press("Delete", message)
    await server.until(lambda: message not in message_ids(server, place))
    row = await job_of(service, shown)
    assert row.result is not None
    assert (row.result.media, row.job.params) == ((), {})
    assert not before.media[0].path.exists()
    assert (await service.studio.store.cache_stats()).entries == 0


async def test_a_file_that_another_person_also_received_is_kept(
    server: DiscordServer, service: Service, ana: Person, bo: Person
) -> None:
    mine, theirs = await draw(ana, seed=9), await draw(bo, seed=9)
    shown = server.history.states[theirs][-1]
    ana.press("Delete", mine)
    await server.until(lambda: mine not in message_ids(server, ana.place))
    result = (await job_of(service, shown)).result
    assert result is not None
    assert result.media[0].path.exists()
    assert (await press_button(bo, "Vary", theirs)).files


@pytest.mark.usefixtures("service")
async def test_a_direct_message_is_private(server: DiscordServer, bo: Person) -> None:
    alone = server.person("ana", server.world.direct("ana"))
    message = await draw(alone)
    job = server.history.states[message][-1].buttons["Delete"].removeprefix("delete:")
    theirs = await draw(bo)
    stored = server.backend.get_message(bo.place.channel, theirs)
    stored.components[0]["components"][0]["custom_id"] = f"again:{job}"
    server.history.note()
    refused = await press_button(bo, "Again", theirs)
    assert "private" in refused.content
    assert (await press_button(alone, "Again", message)).files


@pytest.mark.usefixtures("service")
async def test_a_menu_draws_from_a_picture_that_somebody_posted(ana: Person, bo: Person) -> None:
    message = bo.post("look", ("cat.png", png(96)))
    form = await ana.choose(MENU, message).form()
    assert form["title"] == MENU
    shown = await ana.fill(form, "a blue car").until(is_final)
    assert "a blue car" in shown.content
    assert shown.files
    assert not shown.ephemeral


@pytest.mark.usefixtures("service")
async def test_a_menu_on_a_message_without_a_picture_says_so(ana: Person, bo: Person) -> None:
    answer = ana.choose(MENU, bo.post("no picture here", ("words.txt", b"words")))
    shown = await answer.until(lambda state: state.content)
    assert shown.ephemeral
    assert "/imagine" in shown.content
    other = await ana.choose("Subtitle", bo.post("a picture", ("cat.png", png(96)))).until(lambda state: state.content)
    assert "/subtitle" in other.content


@pytest.mark.usefixtures("service")
async def test_menus_accept_a_drawn_picture(ana: Person) -> None:
    message = await draw(ana)
    shown = await ana.fill(await ana.choose(MENU, message).form(), "a red frog").until(is_final)
    assert shown.files


async def test_upscale_is_under_a_result(server: DiscordServer, service: Service, ana: Person, bo: Person) -> None:
    message = await draw(ana)
    made = (await job_of(service, server.history.states[message][-1])).result
    running = await bo.press("Upscale", message).until(lambda state: "Cancel" in state.buttons)
    row = await service.studio.store.job(running.buttons["Cancel"].removeprefix("cancel:"))
    assert made is not None
    assert row is not None
    assert row.job.command == "upscale"
    assert row.job.params["image"]["sha256"] == made.media[0].sha256
    service.coalescer.cancel(row.job.id)


@pytest.mark.usefixtures("service")
async def test_upscale_is_in_the_menu_of_any_picture(ana: Person, bo: Person) -> None:
    posted = await ana.choose("Upscale", bo.post("look", ("cat.png", png(48)))).until(is_final)
    assert Image.open(BytesIO(posted.files[0].data)).size[0] > 48


@pytest.mark.usefixtures("service")
async def test_menus_accept_an_iphone_photo_without_a_declared_type(ana: Person, bo: Person) -> None:
    register_heif_opener()
    photo = BytesIO()
    Image.new("RGB", (16, 12), "red").save(photo, "HEIF")
    shown = await ana.choose("Upscale", bo.post("look", ("IMG_0001.HEIC", photo.getvalue()))).until(is_final)
    assert Image.open(BytesIO(shown.files[0].data)).size == (64, 48)


@pytest.mark.usefixtures("service")
async def test_menus_are_translated_and_hidden_commands_are_not_published(server: DiscordServer) -> None:
    await server.until(lambda: server.backend.find_command(MENU, None, 3))
    menu = server.backend.find_command(MENU, None, 3)
    assert menu is not None
    assert menu["name_localizations"]["es-ES"] == "Imaginar desde esta imagen…"
    assert all(server.backend.find_command(each.name, None) is None for each in COMMANDS if each.hidden)


def png(side: int) -> bytes:
    file = BytesIO()
    Image.effect_noise((side, side), 80).convert("RGB").save(file, "PNG")
    return file.getvalue()
