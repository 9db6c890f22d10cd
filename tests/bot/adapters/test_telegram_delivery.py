"""What reaches a Telegram chat when calls fail, answers are lost and messages are deleted, through the real library."""

# ruff: noqa: F401, F811  # pytest finds fixtures by their names

import asyncio
from pathlib import Path

import pytest

from bot.adapters.base import OnPosted
from bot.adapters.telegram.answering import FAILURE
from bot.adapters.telegram.callbacks import NOT_DELETED
from bot.adapters.telegram.clicks import SHOWN_ELSEWHERE
from bot.adapters.telegram.message import FILES_UNCONFIRMED, TelegramLiveMessage
from bot.adapters.telegram.message_ref import MessageRef
from bot.i18n.translate import translate
from bot.presentation.card import Card
from bot.requests.service import Service
from engine.core.job import Media, Result
from engine.media import files as media
from tests.fakes import echo as fake_echo
from tests.fakes import ended
from tests.servers.telegram import Json, Seat, TelegramServer, silent_port

from .test_telegram import (
    Serve,
    engine,
    idle_server,
    is_final,
    labels,
    png,
    server,
    service,
    serving,
    small_bot,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
LOST = pytest.mark.parametrize("status", [502, 504, 0], ids=["502", "504", "a cut connection"])


async def started(seat: Seat, words: str) -> tuple[Json, str]:
    """Return the message that shows a new job, and the job's id."""
    asked = await seat.say(words)
    live = await seat.answer(to=asked, when=lambda answer: not is_final(answer))
    return live, labels(live)["Cancel"].partition(":")[2]


@LOST
async def test_a_job_whose_first_message_was_unconfirmed_is_not_shown_twice_while_it_runs(
    server: TelegramServer,
    service: Service,
    status: int,
) -> None:
    chat = server.private(7)
    server.lose_answer("sendMessage", status)
    asked = await chat.say("/echo once --seconds 3")
    orphan = await chat.answer(to=asked)
    await ended(service.studio.store, labels(orphan)["Cancel"].partition(":")[2], 30)
    assert len(server.called("sendMessage")) == 2, "the first card, and the message of the result"
    assert [answer["text"] for answer in chat.room.of_bot() if is_final(answer)] == ["once"]


@LOST
async def test_an_answer_that_was_unconfirmed_is_not_sent_again(server: TelegramServer, status: int) -> None:
    chat = server.private(7)
    server.lose_answer("sendMessage", status)
    await chat.say("/whoami")
    await chat.answer()
    again = await chat.say("/whoami")
    await chat.answer(to=again)
    assert len(server.called("sendMessage")) == 2


@LOST
async def test_an_album_that_was_unconfirmed_is_not_sent_again(
    idle_server: TelegramServer,
    tmp_path: Path,
    status: int,
) -> None:
    chat, pictures = idle_server.private(7), pictures_in(tmp_path, 4)
    origins: list[str] = []
    idle_server.lose_answer("sendMediaGroup", status)
    async with small_bot(idle_server) as bot:
        live = TelegramLiveMessage(bot, MessageRef(7, 0, 1), "en")
        live.on_posted = remember(origins)
        await live.show(Card("four", pictures, final=True))
    words, *album = chat.room.of_bot()
    assert len(album) == 4
    assert words["text"] == f"four\n{FILES_UNCONFIRMED}"
    assert MessageRef.parse(origins[-1]).sent == 4


async def test_an_album_that_was_certainly_not_sent_is_sent_later(
    idle_server: TelegramServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.adapters.telegram.message.RETRY_SECONDS", 0.01)
    monkeypatch.setattr("bot.adapters.telegram.rate_limiter.RETRY_WAIT_SECONDS", ())
    chat, pictures = idle_server.private(7), pictures_in(tmp_path, 4)
    async with silent_port() as nowhere, small_bot(idle_server) as bot:
        address, sent = bot._base_url, list[int]()

        async def on_posted(origin: str) -> None:
            """Cut the bot off while it sends the album for the first time."""
            sent.append(MessageRef.parse(origin).sent)
            bot._base_url = f"{nowhere}{idle_server.token}" if sent.count(4) == 1 and sent[-1] == 4 else address

        live = TelegramLiveMessage(bot, MessageRef(7, 0, 1), "en")
        live.on_posted = on_posted
        await live.show(Card("four", pictures, final=True))
    words, *album = chat.room.of_bot()
    assert (words["text"], len(album)) == ("four", 4)
    assert sent == [0, 4, 0, 4, 4]


def pictures_in(folder: Path, count: int) -> tuple[Media, ...]:
    return tuple(media.keep(png(16, 16 + number), folder) for number in range(count))


def remember(origins: list[str]) -> OnPosted:
    async def on_posted(origin: str) -> None:
        origins.append(origin)

    return on_posted


async def two_pictures(chat: Seat, service: Service, delete: str) -> Json:
    """Return the message with the buttons of two pictures. The second picture, at least, is in a message below it."""
    asked = await chat.say("/imagine a cat --steps 1 --count 2")
    shown = await chat.answer(to=asked, when=lambda answer: delete in labels(answer), within=60)
    await ended(service.studio.store, labels(shown)[delete].partition(":")[2], 60)
    assert len(chat.room.of_bot()) >= 2
    return shown


async def test_delete_says_what_it_could_not_delete_and_keeps_its_button(
    server: TelegramServer, service: Service
) -> None:
    chat = server.private(7, language="es")
    shown = await two_pictures(chat, service, "Borrar")
    old = chat.room.of_bot()[-1]
    old["date"] -= 49 * 3600
    popup = await chat.press(shown, "Borrar")
    assert popup == translate(NOT_DELETED, "es", count=2)
    assert list(labels(shown)) == ["Borrar"]
    assert chat.room.of_bot() == [shown, old]
    old["date"] += 49 * 3600
    assert await chat.press(shown, "Borrar") == "Borrado."
    assert not chat.room.of_bot()


async def test_a_message_that_somebody_deleted_does_not_stop_delete(server: TelegramServer, service: Service) -> None:
    chat = server.private(7)
    shown = await two_pictures(chat, service, "Delete")
    del chat.room.messages[chat.room.of_bot()[-1]["message_id"]]
    assert await chat.press(shown, "Delete") == "Deleted."
    assert not chat.room.of_bot()


async def test_a_job_whose_message_was_deleted_is_cancelled(server: TelegramServer, service: Service) -> None:
    chat = server.private(7)
    live, job = await started(chat, "/echo unseen --seconds 60")
    del chat.room.messages[live["message_id"]]
    assert (await ended(service.studio.store, job, 20)).state == "cancelled"
    assert not len(service.coalescer)
    asked = await chat.say("/echo next")
    await chat.answer(to=asked, when=lambda answer: answer["text"] == "next")


@pytest.mark.parametrize("why", ["bot was blocked by the user", "user is deactivated"])
async def test_a_job_of_a_person_who_blocked_the_bot_is_cancelled(
    server: TelegramServer,
    service: Service,
    why: str,
) -> None:
    chat = server.private(7)
    _, job = await started(chat, "/echo unseen --seconds 60")
    chat.room.barred = why
    assert (await ended(service.studio.store, job, 20)).state == "cancelled"


async def test_a_result_that_nobody_can_see_is_not_sent_at_every_start(
    idle_server: TelegramServer,
    serving: Serve,
) -> None:
    chat = idle_server.private(7)
    async with serving(idle_server.origin, idle_server.token) as service:
        store = service.studio.store
    job = fake_echo("telegram:7", text="made").model_copy(update={"origin": "7/0/1"})
    await store.admit(job)
    await store.start(job.id, "cpu")
    await store.finish(job.id, Result(text="made"), 1)
    chat.room.barred = "bot was blocked by the user"
    async with serving(idle_server.origin, idle_server.token):
        assert (await ended(store, job.id)).state == "done"


@pytest.mark.parametrize("status", [429, 502], ids=["a 429", "a 5xx"])
async def test_trouble_with_progress_does_not_delay_the_result(server: TelegramServer, status: int) -> None:
    chat = server.private(7)
    server.fail("editMessageText", status, retry_after=600 if status == 429 else 0)
    asked = await chat.say("/echo done --seconds 2.5")
    answer = await chat.answer(to=asked, when=lambda answer: answer["text"] == "done", within=30)
    assert is_final(answer)


async def test_a_429_on_the_result_is_obeyed(idle_server: TelegramServer) -> None:
    chat = idle_server.private(7)
    async with small_bot(idle_server) as bot:
        live = TelegramLiveMessage(bot, MessageRef(7, 0, 1), "en")
        await live.show(Card("10 %"))
        idle_server.fail("editMessageText", 429, retry_after=1)
        await live.show(Card("done", final=True))
    refused, after = (call.at for call in idle_server.called("editMessageText"))
    assert after - refused >= 1
    assert chat.room.of_bot()[0]["text"] == "done"


async def test_an_unexpected_error_is_reported_to_the_person(server: TelegramServer) -> None:
    chat = server.private(7, language="es")
    asked = await chat.say("/broken")
    assert (await chat.answer(to=asked))["text"] == translate(FAILURE, "es")
    again = await chat.say("/whoami")
    await chat.answer(to=again)


@LOST
async def test_a_press_on_the_orphan_of_an_unconfirmed_message_removes_it(
    server: TelegramServer, service: Service, status: int
) -> None:
    chat = server.private(7)
    server.lose_answer("sendMessage", status)
    asked = await chat.say(f"/echo {status} --seconds 2")
    orphan = await chat.answer(to=asked)
    await ended(service.studio.store, labels(orphan)["Cancel"].partition(":")[2], 30)
    assert await chat.press(orphan, "Cancel") == SHOWN_ELSEWHERE
    await server.until(lambda: len(chat.room.of_bot()) == 1 or None)
    assert chat.room.of_bot()[0]["text"] == str(status)


async def test_a_press_on_a_dead_card_shows_how_the_job_ended(server: TelegramServer, service: Service) -> None:
    room = server.group()
    chat = room.seat(7)
    live, job = await started(chat, "/echo unseen, too --seconds 60")
    room.barred = "bot was kicked from the supergroup chat"
    await ended(service.studio.store, job, 30)
    room.barred = ""
    await chat.press(live, "Cancel")
    await server.until(lambda: live["text"] == "⚠️ Cancelled." or None)
    assert len(room.of_bot()) == 1


async def test_jobs_shows_finished_results_again(server: TelegramServer) -> None:
    chat = server.private(7)
    asked = await chat.say("/imagine a purple frog --steps 1")
    drawn = await chat.answer(to=asked, when=lambda answer: "Again" in labels(answer), within=60)
    listed = await chat.answer(to=await chat.say("/jobs"))
    assert "/imagine a purple frog" in listed["text"]
    await chat.press(listed, "Show again: a purple frog")
    again = await chat.answer(when=lambda answer: answer not in (drawn, listed) and "Again" in labels(answer))
    assert (again["caption"], labels(again)) == (drawn["caption"], labels(drawn))


async def test_jobs_of_a_private_chat_are_not_listed_in_a_group(server: TelegramServer) -> None:
    chat = server.private(7)
    done, running = await chat.say("/echo my secret"), await chat.say("/echo my other secret --seconds 5")
    await chat.answer(to=done, when=lambda answer: answer["text"] == "my secret")
    await chat.answer(to=running)
    seat = server.group().seat(7)
    assert "secret" not in (await seat.answer(to=await seat.say("/jobs")))["text"]
    assert "secret" in (await chat.answer(to=await chat.say("/jobs")))["text"]
