"""What stays in a Telegram group, and what it shows while the bot works."""

# ruff: noqa: F401, F811  # pytest finds fixtures by their names

import asyncio
import json

import pytest

from bot.adapters.telegram.short_lived import NOTE
from bot.requests.service import Service
from tests.servers.telegram import Json, TelegramServer
from tests.timing import HANG_SECONDS

from .test_telegram import Serve, engine, idle_server, is_final, labels, png, server, service, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")
SHORT_LIVED = "bot.adapters.telegram.short_lived"
BATCH = "/imagine {red|blue} frog --steps 1"


async def noted(service: Service) -> list[Json]:
    return list(json.loads(await service.studio.store.get_note(NOTE) or "[]"))


async def until_noted(service: Service, count: int) -> None:
    """Wait until so many messages are to be deleted."""
    async with asyncio.timeout(HANG_SECONDS):
        while len(await noted(service)) != count:  # noqa: ASYNC110  # rows have no event for changes
            await asyncio.sleep(0.005)


async def expire_all(service: Service) -> None:
    """Make the messages expire when the bot starts again."""
    expired = [{**values, "at": 0} for values in await noted(service)]
    await service.studio.store.set_note(NOTE, json.dumps(expired))


class TestShortLivedMessages:
    @pytest.mark.parametrize("words", ["/imagine a cat --count 9", "/imagin@atelier_bot a cat", "/queue pause"])
    async def test_a_refusal_is_deleted_from_a_group(
        self, words: str, server: TelegramServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(f"{SHORT_LIVED}.REFUSAL_SECONDS", 0.01)
        room = server.group()
        await room.seat(7).say(words)
        await server.settled("deleteMessage", 1)
        assert not room.of_bot()
        assert server.called("sendMessage")[0].form["text"].startswith("⚠️")

    async def test_a_refusal_stays_in_a_private_chat(
        self, server: TelegramServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(f"{SHORT_LIVED}.REFUSAL_SECONDS", 0.01)
        chat, room = server.private(7), server.group()
        await chat.answer(to=await chat.say("/imagine a cat --count 9"))
        await room.seat(7).say("/imagine a cat --count 9")
        await server.settled("deleteMessage", 1)
        assert (len(chat.room.of_bot()), len(room.of_bot())) == (1, 0)

    async def test_a_question_that_nobody_answers_is_closed_and_deleted(
        self, server: TelegramServer, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(f"{SHORT_LIVED}.QUESTION_SECONDS", 0.01)
        room = server.group()
        await room.seat(7).say(BATCH)
        await server.settled("deleteMessage", 1)
        assert not room.of_bot()
        assert "yes:" in server.called("sendMessage")[0].form["reply_markup"]
        assert not (await service.studio.store.stats(0)).jobs

    async def test_an_answered_question_stays(self, idle_server: TelegramServer, serving: Serve) -> None:
        room = idle_server.group()
        async with serving(idle_server.origin, idle_server.token) as service:
            asked = await room.seat(7).answer(to=await room.seat(7).say(BATCH))
            await room.seat(7).press(asked, next(label for label in labels(asked) if "No" not in label))
            await room.seat(7).answer(when=lambda answer: answer.get("text") == "Queued 2 jobs.")
            refused = await room.seat(7).answer(to=await room.seat(7).say("/imagine a cat --count 9"))
            await until_noted(service, 2)
            await expire_all(service)
        async with serving(idle_server.origin, idle_server.token):
            await idle_server.until(lambda: refused["message_id"] not in room.messages or None)
        assert asked["message_id"] in room.messages

    async def test_a_command_that_asks_leaves_no_question_behind(
        self, server: TelegramServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(f"{SHORT_LIVED}.QUESTION_SECONDS", 0.01)
        room = server.group()
        await room.seat(7).say("/upscale")
        await server.settled("deleteMessage", 1)
        assert not room.of_bot()

    async def test_a_question_with_buttons_that_was_used_stays(self, server: TelegramServer, service: Service) -> None:
        room = server.group()
        ana = room.seat(7)
        asked = await ana.answer(to=await ana.photo(png(24, 24), caption="@atelier_bot"))
        await ana.press(asked, "Upscale")
        await ana.answer(when=lambda shown: "Delete" in labels(shown))
        assert await service.studio.store.get_note(NOTE) == "[]"


class TestChatAction:
    async def test_the_chat_says_that_a_photo_comes(self, server: TelegramServer) -> None:
        chat = server.private(7)
        await chat.answer(to=await chat.say("/imagine a red fox"), when=is_final)
        await server.settled("sendChatAction", 1)
        assert set(chat.room.actions) == {"upload_photo"}

    async def test_it_is_shown_again_while_the_job_runs(
        self, server: TelegramServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bot.adapters.telegram.chat_action.ACTION_SECONDS", 0.0)
        chat = server.private(7)
        said = await chat.say("/echo done --seconds 600")
        await server.settled("sendChatAction", 3)
        assert set(chat.room.actions) == {"typing"}
        live = await chat.answer(to=said)
        await chat.press(live, "Cancel")
        await chat.answer(to=said, when=is_final)

    @pytest.mark.parametrize("status", [429, 502, 0])
    async def test_a_failed_action_delays_and_repeats_nothing(self, status: int, server: TelegramServer) -> None:
        chat = server.private(7)
        server.fail("sendChatAction", status, times=99, retry_after=600 if status == 429 else 0)
        said = await chat.say("/echo done --seconds 0.3")
        assert (await chat.answer(to=said, when=is_final))["text"] == "done"
        assert len(server.called("sendChatAction")) <= 2

    async def test_it_is_shown_in_the_topic(self, server: TelegramServer) -> None:
        room = server.group(forum=True)
        thread = room.topic("Landscapes")
        await room.seat(7, thread=thread).say("/imagine a red fox")
        await server.settled("sendChatAction", 1)
        assert server.called("sendChatAction")[0].form["message_thread_id"] == str(thread)

    async def test_an_answer_without_a_job_shows_none(self, server: TelegramServer) -> None:
        chat = server.private(7)
        await chat.answer(to=await chat.say("/limits"))
        assert not server.called("sendChatAction")
