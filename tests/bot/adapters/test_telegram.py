"""Telegram through the real library, with a loopback Bot API server, the real store and a real worker."""

import asyncio
import io
import json
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from PIL import Image
from pillow_heif import register_heif_opener
from pydantic import Field
from structlog.testing import capture_logs
from telegram.ext import ExtBot

from bot.adapters import telegram
from bot.adapters.telegram.connection import ON, REJECTED, TOKEN_CONFLICT, UNREACHABLE
from bot.adapters.telegram.menu import publish
from bot.adapters.telegram.message import TelegramLiveMessage, limits_of
from bot.adapters.telegram.message_ref import MessageRef
from bot.adapters.telegram.rate_limiter import ProgressAwareRateLimiter
from bot.app import AppContext
from bot.commands import COMMANDS
from bot.config.settings import Settings
from bot.core.command import Command, Reply
from bot.i18n.translate import translate
from bot.presentation.card import Card
from bot.requests.call import AnyCall, Call, JobCall, command
from bot.requests.service import Service
from engine.core.job import Job, Media, Result
from engine.core.params import TaskParams
from engine.host.engine import Engine
from engine.media import files as media
from engine.media import video
from engine.tasks.echo import Params as Echo
from engine.weights import registry
from storage.files import Files
from storage.store import Store
from tests.fakes import echo as fake_echo
from tests.fakes import ended, paused, small_engine, until
from tests.servers.telegram import Json, TelegramServer, silent_port
from tests.timing import HANG_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="module")
Serve = Callable[..., AbstractAsyncContextManager[Service]]


class Picture(TaskParams):
    """Options of one file."""

    image: Media = Field(description="Picture to look at")
    words: str = Field("", description="What to say of it", json_schema_extra={"rest": True})


class Squares(TaskParams):
    """Options of files with sides of this many pixels."""

    side: int = Field(16, description="Pixels", json_schema_extra={"positional": True})
    count: int = Field(1, description="How many files", json_schema_extra={"positional": True})
    words: str = Field("", description="What to say of it", json_schema_extra={"rest": True})


@command("Say it back")
async def echo(call: JobCall, params: Echo) -> Job:
    return await call.build_job("echo", params)


@command("Say how large a picture is")
async def measure(_call: AnyCall, params: Picture) -> Reply:
    return Reply(f"{params.image.width} x {params.image.height} {params.words}")


@command("Make noise to look at")
async def noise(call: Call[AppContext], params: Squares) -> Reply:
    folder = call.studio.settings.bot.data_dir / "media"
    pictures = (png(params.side, params.side + number) for number in range(params.count))
    return Reply(params.words, tuple(media.keep(picture, folder) for picture in pictures))


@command("Say who asks")
async def whoami(call: AnyCall, params: TaskParams) -> Reply:  # noqa: ARG001  # declared by this name
    asked = call.request
    return Reply(f"{asked.user} {asked.origin} {asked.language} admin={asked.admin} private={asked.private}")


@command("Break")
async def broken(call: AnyCall, params: TaskParams) -> Reply:  # noqa: ARG001  # declared by this name
    raise RuntimeError("a fault that a test asked for")


EVERY_COMMAND = (*COMMANDS, echo, measure, noise, whoami, broken)
COMMANDS_WITHOUT_FILE = [each for each in COMMANDS if not each.hidden and not (each.source and each.source.required)]
"""Commands that can be typed without a file."""


def png(width: int, height: int) -> bytes:
    """Return a picture of noise, which no format compresses."""
    pixels = np.random.default_rng(width).integers(0, 255, (height, width, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=0)
    return file.getvalue()


def small_bot(server: TelegramServer) -> ExtBot[asyncio.Event]:
    return ExtBot(server.token, base_url=server.base_url, rate_limiter=ProgressAwareRateLimiter())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    folder = tmp_path_factory.mktemp("engine")
    (folder / "weights").symlink_to(registry.FOLDER.resolve())
    async with small_engine(folder, models=(("imagine", "pocket"),)) as engine:
        yield engine


@pytest_asyncio.fixture(loop_scope="module")
async def idle_server() -> AsyncIterator[TelegramServer]:
    """A server without a bot."""
    async with TelegramServer() as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module")
async def serving(engine: Engine, tmp_path: Path) -> AsyncIterator[Serve]:
    """Run the adapter at an address. The store outlives it, as in a restart."""
    async with Store.open(tmp_path / "atelier.db") as store:

        @asynccontextmanager
        async def open_adapter(address: str, token: str, admins: tuple[int, ...] = ()) -> AsyncIterator[Service]:
            sections = {
                "telegram": {"token": token, "base_url": address, "admins": admins},
                "bot": {"data_dir": tmp_path},
            }
            files = Files(tmp_path / "media", max_bytes=30_000_000, max_pixels=10_000_000)
            settings = Settings.model_validate({**sections, "limits": {"imagine": "off"}})
            service = Service(AppContext(settings, store, files, engine, EVERY_COMMAND))
            running = asyncio.create_task(telegram.run(service))
            try:
                yield service
            finally:
                running.cancel()
                await asyncio.wait([running])
                assert running.cancelled() or running.exception() is None

        yield open_adapter


@pytest_asyncio.fixture(loop_scope="module")
async def service(idle_server: TelegramServer, serving: Serve) -> AsyncIterator[Service]:
    async with serving(idle_server.origin, idle_server.token) as service:
        yield service


@pytest.fixture
def server(idle_server: TelegramServer, service: Service) -> TelegramServer:
    """The server, with the adapter running."""
    assert service.studio.adapters is not None
    return idle_server


def is_final(message: Json) -> bool:
    """Return whether the message is final: it has no Cancel button."""
    return "Cancel" not in labels(message)


def labels(message: Json) -> dict[str, str]:
    """Return the data of each button by its label."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return {button["text"]: button["callback_data"] for row in rows for button in row}


def shows_photo(message: Json) -> bool:
    return "photo" in message


@pytest.mark.parametrize("asked", COMMANDS_WITHOUT_FILE, ids=lambda asked: asked.name)
async def test_every_command_is_answered_in_a_private_chat(asked: Command, server: TelegramServer) -> None:
    chat = server.private(7)
    needs = [option for option in asked.params.options() if option.required]
    words = ["a red cat" for option in asked.params.options() if option.rest]
    message = await chat.say(" ".join([f"/{asked.name}", *words]))
    answer = await chat.answer(to=message, when=is_final)
    if asked.name in ("imagine", "scenes", "stats"):
        assert shows_photo(answer), answer
    elif asked.name == "video":
        assert answer["video"]["mime_type"] == "video/mp4"
        assert min(answer["video"][side] for side in ("width", "height", "duration")) > 0
    elif asked.name in ("cancel", "commands") or asked.admin or any(option.kind == "media" for option in needs):
        assert answer["text"].startswith("⚠️")
    else:
        assert not answer["text"].startswith("⚠️")


async def test_a_typed_option_reaches_the_picture(server: TelegramServer) -> None:
    chat = server.private(7)
    message = await chat.say("/imagine@Atelier_Bot a red cat --shape wide --seed 7 --steps 2")
    answer = await chat.answer(to=message, when=shows_photo)
    largest = answer["photo"][-1]
    assert largest["width"] > largest["height"]
    assert "a red cat" in answer["caption"]
    assert "seed 7" in answer["caption"]
    assert len(chat.room.of_bot()) == 1


async def test_several_pictures_are_sent_as_an_album_under_the_text(server: TelegramServer) -> None:
    chat = server.private(7)
    message = await chat.say("/noise 16 3 three of them")
    await server.settled("sendMediaGroup", 1)
    words, *album = chat.room.of_bot()
    assert words["text"] == "three of them"
    assert len(album) == 3
    assert len({picture["media_group_id"] for picture in album}) == 1
    assert all(picture["reply_to_message"]["message_id"] == message["message_id"] for picture in album)


async def test_a_command_can_be_the_caption_of_a_photo(server: TelegramServer) -> None:
    chat = server.private(7)
    message = await chat.photo(png(100, 50), caption="/measure quite wide")
    assert (await chat.answer(to=message))["text"] == "100 x 50 quite wide"


async def test_a_command_can_be_the_caption_of_a_document(server: TelegramServer) -> None:
    chat = server.private(7)
    message = await chat.document(png(30, 20), "a.png", "image/png", caption="/measure")
    assert (await chat.answer(to=message))["text"] == "30 x 20"


@pytest.mark.parametrize("name", ["IMG_0001.HEIC", None])
async def test_an_iphone_photo_is_accepted_as_a_document(server: TelegramServer, name: str | None) -> None:
    register_heif_opener()
    photo = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(photo, "HEIF")
    chat = server.private(7)
    message = await chat.document(photo.getvalue(), name or "", "image/heic", caption="/measure")
    assert (await chat.answer(to=message))["text"] == "64 x 48"


async def test_a_reply_to_another_persons_picture_uses_its_largest_size(server: TelegramServer) -> None:
    room = server.group()
    picture = await room.seat(8, name="Bo").photo(png(1000, 500))
    chat = room.seat(7)
    message = await chat.say("/measure", reply_to=picture)
    answer = await chat.answer(to=message)
    assert answer["text"] == "1000 x 500"


async def test_a_picture_can_be_drawn_from_one_that_is_replied_to(server: TelegramServer) -> None:
    chat = server.private(7)
    picture = await chat.photo(png(64, 64))
    message = await chat.say("/imagine a red cat --strength 0.5 --steps 2", reply_to=picture)
    answer = await chat.answer(to=message, when=is_final)
    assert shows_photo(answer), answer


async def test_a_file_for_a_command_without_files_is_refused(server: TelegramServer) -> None:
    chat = server.private(7)
    message = await chat.photo(png(10, 10), caption="/limits")
    assert (await chat.answer(to=message))["text"] == "⚠️ /limits doesn't use files. Send it without one."


async def test_an_answer_stays_in_its_topic(server: TelegramServer) -> None:
    room = server.group(forum=True)
    thread = room.topic("Landscapes")
    chat = room.seat(7, thread=thread)
    message = await chat.say("/noise 16 1 hello")
    answer = await chat.answer(to=message)
    assert answer["message_thread_id"] == thread
    message = await chat.say("/whoami")
    origin = f"{room.id}/{thread}/{message['message_id']}"
    assert (await chat.answer(to=message))["text"] == f"telegram:7 {origin} en admin=False private=False"


async def test_a_reply_in_a_group_without_topics_is_answered_there(server: TelegramServer) -> None:
    room = server.group()
    chat = room.seat(7)
    first = await chat.say("/whoami")
    message = await chat.say("/whoami", reply_to=await chat.answer(to=first))
    assert (await chat.answer(to=message))["text"].split()[1] == f"{room.id}/0/{message['message_id']}"


async def test_the_bot_ignores_group_messages_that_are_not_for_it(server: TelegramServer) -> None:
    chat = server.group().seat(7)
    for words in ("/roll 6", "/status@other_bot", "/start@other_bot", "look, @atelier_bot"):
        await chat.say(words)
    last = await chat.say("/echo last")
    await chat.answer(to=last, when=lambda answer: answer["text"] == "last")
    assert len(chat.room.of_bot()) == 1


async def test_an_unknown_command_is_refused_in_a_private_chat(server: TelegramServer) -> None:
    chat = server.private(7)
    message = await chat.say("/imagin a cat")
    assert (await chat.answer(to=message))["text"] == "⚠️ There is no command /imagin. Did you mean /imagine?"


async def test_a_refusal_is_translated_and_names_option_value_and_limit(server: TelegramServer) -> None:
    chat = server.private(7, language="es-419")
    message = await chat.say("/imagine un gato --count 9")
    text = (await chat.answer(to=message))["text"]
    assert text == "⚠️ " + translate(
        "{option} is {value}; it must be at most {le}.", "es", option="count", value="9", le=4
    )
    assert text != "⚠️ count is 9; it must be at most 4."


async def test_only_an_admin_in_the_config_is_admin(idle_server: TelegramServer, serving: Serve) -> None:
    async with serving(idle_server.origin, idle_server.token, admins=(1,)):
        for user, admin in ((1, True), (2, False)):
            chat = idle_server.private(user)
            message = await chat.say("/whoami")
            assert f"admin={admin} private=True" in (await chat.answer(to=message))["text"]


async def test_an_anonymous_admin_sends_as_the_group(server: TelegramServer) -> None:
    room = server.group()
    hidden = room.seat(1087968824, name="Group")
    message = await hidden.say("/whoami", as_group=True)
    assert (await hidden.answer(to=message))["text"].startswith(f"telegram:{room.id} ")


async def test_the_menu_is_set_in_both_languages_and_only_when_it_changed(
    idle_server: TelegramServer, serving: Serve
) -> None:
    async with serving(idle_server.origin, idle_server.token):
        await idle_server.settled("setMyDescription", 2)
    async with small_bot(idle_server) as bot:
        assert not await publish(bot, EVERY_COMMAND)
        assert len(idle_server.called("setMyCommands")) == 2
        assert await publish(bot, EVERY_COMMAND[1:])
    shown = {entry["command"]: entry["description"] for entry in idle_server.commands["es"]}
    assert shown["stats"] == translate(next(each for each in COMMANDS if each.name == "stats").description, "es")
    assert set(shown) == {each.name for each in EVERY_COMMAND[1:] if not each.admin and not each.hidden}
    assert idle_server.commands[""] != idle_server.commands["es"]
    assert "Dibuja" in idle_server.words["short_description", "es"]


async def test_only_an_admins_chat_lists_the_commands_for_admins(idle_server: TelegramServer, serving: Serve) -> None:
    idle_server.private(1)
    async with serving(idle_server.origin, idle_server.token, admins=(2, 1)):  # 2 has never written to the bot
        await idle_server.until(lambda: idle_server.commands.get("1/es"))
    assert "queue" in {entry["command"] for entry in idle_server.commands["1/es"]}
    assert "queue" not in {entry["command"] for entry in idle_server.commands["es"]}
    assert "2/es" not in idle_server.commands


async def test_progress_is_edited_once_a_second_into_one_message(server: TelegramServer) -> None:
    chat = server.private(7)
    message = await chat.say("/echo done --seconds 3.2")
    answer = await chat.answer(to=message, when=is_final)
    assert answer["text"] == "done"
    assert len(chat.room.of_bot()) == 1
    times = [call.at for call in server.calls if call.method in ("sendMessage", "editMessageText")]
    assert 2 < len(times) <= times[-2] - times[0] + 3  # a busy machine delays the first edit; the last does not wait


@pytest.mark.parametrize("status", [502, 0], ids=["a 5xx", "a cut connection"])
async def test_an_edit_survives(status: int, server: TelegramServer) -> None:
    chat = server.private(7)
    server.fail("editMessageText", status, times=2)
    message = await chat.say("/echo done --seconds 0.3")
    assert (await chat.answer(to=message, when=is_final))["text"] == "done"


async def test_the_result_is_posted_anew_where_the_live_message_was_deleted(idle_server: TelegramServer) -> None:
    chat = idle_server.private(7)
    async with small_bot(idle_server) as bot:
        live = TelegramLiveMessage(bot, MessageRef(7, 0, 1), "en")
        await live.show(Card("10 %"))
        chat.room.messages.clear()
        await live.show(Card("done", final=True))
    assert [answer["text"] for answer in chat.room.of_bot()] == ["done"]


async def test_an_answer_is_posted_though_the_request_was_deleted(server: TelegramServer) -> None:
    chat = server.private(7)
    server.fail("sendMessage", 429, retry_after=1)
    message = await chat.say("/echo done")
    await server.settled("sendMessage", 1)
    del chat.room.messages[message["message_id"]]
    assert (await chat.answer(when=is_final))["text"] == "done"


async def test_a_refused_answer_is_logged_and_the_next_one_arrives(
    server: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.adapters.telegram.rate_limiter.RETRY_WAIT_SECONDS", (0.01,))
    chat = server.private(7)
    server.fail("sendMessage", 500)
    with capture_logs() as lines:
        await chat.say("/whoami")
        await until(lambda: any(line["event"] == "not delivered" for line in lines))
    assert {"why": ["Internal Server Error"], "log_level": "error", "event": "not delivered"} in lines
    message = await chat.say("/whoami")
    await chat.answer(to=message)


async def test_a_bot_removed_from_a_group_cancels_the_job_and_logs_it_once(
    server: TelegramServer, service: Service
) -> None:
    room = server.group()
    chat = room.seat(7)
    with capture_logs() as lines:
        message = await chat.say("/echo lost --seconds 60")
        live = await chat.answer(to=message)
        room.barred = "bot was kicked from the supergroup chat"
        await ended(service.studio.store, labels(live)["Cancel"].partition(":")[2], 20)
        await until(lambda: any(line["event"].startswith("cancelled") for line in lines))
    assert not [line for line in lines if line["log_level"] in ("warning", "error")]


async def test_answers_in_a_group_overtake_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.adapters.telegram.rate_limiter.PROGRESS_PER_MINUTE", 2)
    limiter, sent = ProgressAwareRateLimiter(), []

    async def send(what: str) -> bool:
        sent.append(what)
        return True

    async def ask(what: str, *, progress: bool) -> object:
        superseded = asyncio.Event() if progress else None
        return await limiter.process_request(send, (what,), {}, "editMessageText", {"chat_id": -1}, superseded)

    for number in range(2):
        await ask(f"progress {number}", progress=True)
    async with asyncio.TaskGroup() as group:
        late = group.create_task(ask("progress 2", progress=True))
        await ask("answer", progress=False)
        late.cancel()
    assert sent == ["progress 0", "progress 1", "answer"]


async def test_cancel_ends_that_job_and_the_next_one_runs(server: TelegramServer, service: Service) -> None:
    chat = server.private(7)
    message = await chat.say("/echo never --seconds 600")
    live = await chat.answer(to=message, when=lambda answer: not is_final(answer))
    job = live["reply_markup"]["inline_keyboard"][0][0]["callback_data"].partition(":")[2]
    assert await chat.press(live, "Cancel") == "Cancelled: /echo never"
    assert (await chat.answer(to=message, when=is_final))["text"] == "⚠️ Cancelled."
    assert (await ended(service.studio.store, job)).state == "cancelled"
    message = await chat.say("/echo next")
    await chat.answer(to=message, when=lambda answer: answer.get("text") == "next")


async def test_nobody_else_can_press_cancel(server: TelegramServer, service: Service) -> None:
    room = server.group()
    chat = room.seat(7)
    with paused(service.studio.engine):
        message = await chat.say("/echo mine")
        live = await chat.answer(to=message, when=lambda answer: not is_final(answer))
        assert await room.seat(8, language="es").press(live, "Cancel")
    assert (await chat.answer(to=message, when=is_final))["text"] == "mine"


async def test_a_button_still_answers_after_a_restart(idle_server: TelegramServer, serving: Serve) -> None:
    chat = idle_server.private(7)
    async with serving(idle_server.origin, idle_server.token):
        message = await chat.say("/echo gone --seconds 600")
        live = await chat.answer(to=message, when=lambda answer: not is_final(answer))
    async with serving(idle_server.origin, idle_server.token):
        assert not await chat.press(live, "Cancel")
        await idle_server.until(lambda: live["text"] == "⚠️ Cancelled." or None)
        running = await chat.say("/echo on --seconds 600")
        fresh = await chat.answer(to=running, when=lambda answer: not is_final(answer))
        data = fresh["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
        await chat.press_data(live, data)
        assert (await chat.answer(to=running, when=is_final))["text"] == "⚠️ Cancelled."


async def test_an_unknown_button_is_refused(server: TelegramServer) -> None:
    chat = server.private(7)
    message = await chat.say("/whoami")
    answer = await chat.answer(to=message)
    assert await chat.press_data(answer, "explode:1") == "⚠️ There is no command /explode. Use /help to see them all."


async def test_a_large_picture_is_sent_as_a_document_below_a_preview(server: TelegramServer) -> None:
    chat = server.private(7)
    message = await chat.say("/noise 1900 1 large")
    answer = await chat.answer(to=message, when=lambda answer: "document" in answer)
    assert answer["document"]["file_size"] > 10_000_000
    assert answer["document"]["file_name"].endswith(".png")
    preview, _ = chat.room.of_bot()
    assert (preview["caption"], max(size["width"] for size in preview["photo"])) == ("large", 1280)


async def test_a_transparent_picture_is_also_sent_as_it_is(idle_server: TelegramServer, tmp_path: Path) -> None:
    held = io.BytesIO()
    picture = Image.new("RGBA", (64, 48), (255, 0, 0, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 32, 48))
    picture.save(held, "PNG")
    shown, beside = await answered(idle_server, (media.keep(held.getvalue(), tmp_path),))
    assert shown["caption"] == "made"
    assert idle_server.files[beside["document"]["file_id"]].data == held.getvalue()
    photo = Image.open(io.BytesIO(idle_server.files[shown["photo"][-1]["file_id"]].data)).convert("RGB")
    left, right = (np.asarray(photo)[8, column] for column in (8, 48))
    assert left.min() > 180, "squares stand for transparency, not black"
    assert right[0] > 200
    assert right[1] < 60


async def test_an_opaque_picture_with_an_alpha_channel_is_a_photo(idle_server: TelegramServer, tmp_path: Path) -> None:
    held = io.BytesIO()
    Image.new("RGBA", (64, 48), (255, 0, 0, 255)).save(held, "PNG")
    (shown,) = await answered(idle_server, (media.keep(held.getvalue(), tmp_path),))
    assert "photo" in shown


async def test_an_enlarged_picture_is_also_sent_as_it_is(server: TelegramServer) -> None:
    chat = server.private(7)
    await chat.photo(png(24, 24), caption="/upscale")
    beside = await chat.answer(when=lambda answer: "document" in answer)
    sent = Image.open(io.BytesIO(server.files[beside["document"]["file_id"]].data))
    assert sent.width > 24
    assert sent.format != "JPEG"


async def test_several_transparent_pictures_are_two_albums(idle_server: TelegramServer, tmp_path: Path) -> None:
    clear = []
    for width in (8, 9):
        held = io.BytesIO()
        Image.new("RGBA", (width, 8)).save(held, "PNG")
        clear.append(media.keep(held.getvalue(), tmp_path))
    words, *beside = await answered(idle_server, tuple(clear))
    assert words["text"] == "made"
    assert ["photo" in each for each in beside] == [True, True, False, False]
    assert len({each["media_group_id"] for each in beside}) == 2


def film(folder: Path, number: int = 0) -> Media:
    path = folder / f"{number}.mp4"
    frames = [np.full((24, 32, 3), 40 * turn + number, np.uint8) for turn in range(6)]
    video.write_frames(frames, path, 2, video.CancelOrTimeout())
    return media.keep(path, folder).model_copy(update={"width": 32, "height": 24, "seconds": 3.0})


def gif(folder: Path) -> Media:
    held = io.BytesIO()
    first, second = (Image.new("RGB", (16, 12), colour) for colour in ("red", "navy"))
    first.save(held, "GIF", save_all=True, append_images=[second], duration=100)
    return media.keep(held.getvalue(), folder)


async def answered(server: TelegramServer, made: tuple[Media, ...], words: str = "made") -> list[Json]:
    """Return a job's answer in the chat, which is first posted as text."""
    chat = server.private(7)
    asked = await chat.say("/video")
    async with small_bot(server) as bot:
        live = TelegramLiveMessage(bot, MessageRef(7, 0, asked["message_id"]), "en")
        await live.show(Card("10 %"))
        await live.show(Card(words, made, final=True))
    return chat.room.of_bot()


async def test_a_video_plays_in_the_chat(idle_server: TelegramServer, tmp_path: Path) -> None:
    (answer,) = await answered(idle_server, (film(tmp_path),))
    shown = answer["video"]
    assert (answer["caption"], shown["width"], shown["height"], shown["duration"]) == ("made", 32, 24, 3)
    (media,) = (json.loads(call.form["media"]) for call in idle_server.calls if call.method == "editMessageMedia")
    assert media["supports_streaming"] is True


async def test_a_video_that_is_posted_at_once_is_streamed(idle_server: TelegramServer, tmp_path: Path) -> None:
    chat = idle_server.private(7)
    asked = await chat.say("/video")
    async with small_bot(idle_server) as bot:
        await TelegramLiveMessage(bot, MessageRef(7, 0, asked["message_id"]), "en").show(
            Card("made", (film(tmp_path),), final=True)
        )
    (answer,) = chat.room.of_bot()
    assert answer["video"]["duration"] == 3
    (form,) = (call.form for call in idle_server.calls if call.method == "sendVideo")
    assert form["supports_streaming"] == "true"


async def test_a_gif_is_sent_as_an_animation(idle_server: TelegramServer, tmp_path: Path) -> None:
    (answer,) = await answered(idle_server, (gif(tmp_path),))
    assert (answer["caption"], answer["animation"]["width"]) == ("made", 16)


async def test_a_video_is_the_message_and_its_subtitles_follow(idle_server: TelegramServer, tmp_path: Path) -> None:
    srt = media.keep(b"1\n00:00:00,000 --> 00:00:01,000\nHello\n", tmp_path, ".srt")
    answer, beside = await answered(idle_server, (film(tmp_path), srt))
    assert answer["caption"] == "made"
    assert "video" in answer
    assert beside["document"]["file_name"].endswith(".srt")
    assert "media_group_id" not in beside


async def test_pictures_and_videos_share_an_album_and_nothing_else_does(
    idle_server: TelegramServer, tmp_path: Path
) -> None:
    picture = media.keep(png(16, 16), tmp_path)
    words, *beside = await answered(idle_server, (picture, film(tmp_path, 1), film(tmp_path, 2), gif(tmp_path)))
    assert words["text"] == "made"
    assert [next(kind for kind in ("photo", "video", "animation") if kind in each) for each in beside] == [
        "photo",
        "video",
        "video",
        "animation",
    ]
    assert len({each["media_group_id"] for each in beside[:3]}) == 1
    assert "media_group_id" not in beside[3]


async def test_text_too_long_for_a_caption_keeps_its_length(server: TelegramServer) -> None:
    chat = server.private(7)
    words = "x" * 1100
    message = await chat.say(f"/noise 16 1 {words}")
    await chat.answer(to=message, when=shows_photo)
    assert [answer.get("text") for answer in chat.room.of_bot()] == [words, None]


async def test_a_file_over_the_limit_is_reported_instead_of_sent(idle_server: TelegramServer, tmp_path: Path) -> None:
    chat = idle_server.private(7, language="es")
    asked = await chat.say("/noise")
    big = media.keep(png(16, 16), tmp_path).model_copy(update={"bytes": 60_000_000})
    async with small_bot(idle_server) as bot:
        live = TelegramLiveMessage(bot, MessageRef(7, 0, asked["message_id"]), "es")
        await live.show(Card("here", (big,), final=True))
    (answer,) = chat.room.of_bot()
    assert answer["text"].startswith("here\n")
    assert "60 MB" in answer["text"]
    assert "50 MB" in answer["text"]
    assert "Telegram allows" not in answer["text"]


async def test_a_preview_is_posted_only_for_a_long_job_and_becomes_the_result(
    idle_server: TelegramServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.adapters.telegram.message.PREVIEW_SECONDS", HANG_SECONDS)
    chat = idle_server.private(7)
    asked = await chat.say("/imagine")
    preview, result = (media.keep(png(side, side), tmp_path) for side in (16, 32))
    async with small_bot(idle_server) as bot:
        live = TelegramLiveMessage(bot, MessageRef(7, 0, asked["message_id"]), "en")
        await live.show(Card("10 %", (preview,)))
        assert chat.room.of_bot()[0]["text"] == "10 %"
        monkeypatch.setattr("bot.adapters.telegram.message.PREVIEW_SECONDS", 0)
        await live.show(Card("50 %", (preview,)))
        await live.show(Card("60 %"))
        assert chat.room.of_bot()[0]["caption"] == "60 %"
        await live.show(Card("made", (result,), final=True))
    (answer,) = chat.room.of_bot()
    assert (answer["caption"], answer["photo"][-1]["width"]) == ("made", 32)


async def test_a_file_too_large_for_bots_is_refused_with_the_limit(server: TelegramServer) -> None:
    chat = server.private(7)
    message = await chat.document(bytes(21_000_000), "a.png", "image/png", caption="/measure")
    text = (await chat.answer(to=message))["text"]
    assert text.startswith("⚠️ image is too large")
    assert "20 MB" in text


async def test_a_file_that_is_not_a_picture_is_refused(server: TelegramServer) -> None:
    chat = server.private(7)
    message = await chat.document(b"MZ not a picture", "a.png", "image/png", caption="/measure")
    text = (await chat.answer(to=message))["text"]
    assert text.startswith("⚠️ image: “a.png” is named as png, but its content is something else")


async def test_a_download_that_breaks_off_is_refused(server: TelegramServer) -> None:
    chat = server.private(7)
    server.broken_downloads = 1
    message = await chat.document(png(300, 300), "a.png", "image/png", caption="/measure")
    text = (await chat.answer(to=message))["text"]
    assert text.startswith("⚠️ image: the download of “a.png” was interrupted")
    assert server.token not in text


async def test_a_local_server_gives_paths_of_files(serving: Serve, tmp_path: Path) -> None:
    async with TelegramServer(local=tmp_path / "api") as server, serving(server.origin, server.token):
        chat = server.private(7)
        message = await chat.document(png(30, 20), "a.png", "image/png", caption="/measure")
        assert (await chat.answer(to=message))["text"] == "30 x 20"
    assert limits_of(local=True, group=False).file_bytes > limits_of(local=False, group=False).file_bytes


async def test_a_wrong_token_is_shown_in_status_and_ends_only_this_adapter(
    idle_server: TelegramServer, serving: Serve
) -> None:
    async with serving(idle_server.origin, "123456:wrong") as service:
        await until(lambda: service.studio.adapters.get("telegram") == REJECTED)
    assert "ATELIER_TELEGRAM_TOKEN" in str(REJECTED)


async def test_a_missing_network_is_shown_in_status_and_retried(
    idle_server: TelegramServer, serving: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.adapters.telegram.adapter.FIRST_RETRY_SECONDS", 0.05)
    async with silent_port() as address, serving(address, idle_server.token) as service:
        await until(lambda: service.studio.adapters.get("telegram") == UNREACHABLE)
    idle_server.fail("getMe", 502, times=2)
    async with serving(idle_server.origin, idle_server.token) as service:
        await until(lambda: service.studio.adapters.get("telegram") == UNREACHABLE)
        await until(lambda: service.studio.adapters.get("telegram") == ON)


async def test_a_second_program_with_the_same_token_is_reported(
    server: TelegramServer, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.adapters.telegram.adapter.FIRST_RETRY_SECONDS", 0.2)
    await server.settled("getUpdates", 1)
    async with ExtBot[asyncio.Event](server.token, base_url=server.base_url) as other:
        await other.get_updates(timeout=0)
    await until(lambda: service.studio.adapters.get("telegram") == TOKEN_CONFLICT)
    await until(lambda: service.studio.adapters.get("telegram") == ON)


@pytest.fixture
def every_line(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Collect everything that is logged, at every level."""
    caplog.set_level(logging.DEBUG)
    return lambda: caplog.text + "".join(capfd.readouterr())


async def test_the_token_is_in_no_log_line(
    every_line: Callable[[], str], idle_server: TelegramServer, serving: Serve
) -> None:
    async with serving(idle_server.origin, idle_server.token):
        chat = idle_server.private(7)
        idle_server.broken_downloads = 1
        idle_server.fail("editMessageText", 500, times=9)
        message = await chat.document(png(300, 300), "a.png", "image/png", caption="/measure")
        await chat.answer(to=message)
        await chat.say("/echo lost --seconds 0.1")
        await idle_server.settled("editMessageText", 1)
    async with serving(idle_server.origin, "123456:wrong") as service:
        await until(lambda: service.studio.adapters.get("telegram") == REJECTED)
    lines = every_line()
    assert "telegram" in lines
    assert not re.search(r"loopback-token|123456:wrong", lines)


async def test_a_job_goes_on_in_the_same_message_after_a_restart(idle_server: TelegramServer, serving: Serve) -> None:
    chat = idle_server.private(7)
    async with serving(idle_server.origin, idle_server.token) as service:
        message = await chat.say("/echo later --seconds 3")
        live = await chat.answer(to=message, when=lambda answer: not is_final(answer))
        await service.close()
    assert live["text"] == "⏸️ The studio is restarting. This job will continue when it is back."
    async with serving(idle_server.origin, idle_server.token):
        assert (await chat.answer(to=message, when=lambda answer: answer["text"] == "later")) is live
    assert len(chat.room.of_bot()) == 1


async def test_a_result_that_was_not_posted_is_posted_once(idle_server: TelegramServer, serving: Serve) -> None:
    chat = idle_server.private(7)
    message = await chat.say("what somebody asked")
    idle_server.updates.clear()
    async with serving(idle_server.origin, idle_server.token) as service:
        store = service.studio.store
    job = fake_echo("telegram:7", text="made").model_copy(update={"origin": f"7/0/{message['message_id']}"})
    await store.admit(job)
    await store.start(job.id, "cpu")
    await store.finish(job.id, Result(text="made"), 1)
    for _ in range(2):
        async with serving(idle_server.origin, idle_server.token):
            await chat.answer(to=message, when=lambda answer: answer["text"] == "made")
            assert (await ended(store, job.id)).state == "done"
    assert len(chat.room.of_bot()) == 1


async def test_an_update_that_telegram_repeats_creates_one_job(server: TelegramServer, service: Service) -> None:
    chat = server.private(7)
    message = await chat.say("/echo once")
    await chat.answer(to=message, when=lambda answer: answer["text"] == "once")
    await server.push({"message": message})
    other = await chat.say("/echo other")
    await chat.answer(to=other, when=lambda answer: answer["text"] == "other")
    assert [answer["text"] for answer in chat.room.of_bot()] == ["once", "other"]
    rows = await service.studio.store.stats(0)
    assert sum(rows.jobs["echo"].values()) == 2
