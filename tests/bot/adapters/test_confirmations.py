"""Questions before a job, and texts that are edited first: on Discord, on Telegram, and over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession, CookieJar

from bot.adapters import discord, telegram
from bot.adapters.web import Server
from bot.requests.service import Service
from engine.host.engine import Engine
from storage.store import Question, Store
from tests.bot.adapters.confirming_commands import open_service
from tests.fakes import echo as fake_echo
from tests.fakes import ended, small_engine
from tests.servers.discord import DiscordServer, Person, Place, Shown
from tests.servers.telegram import Json, TelegramServer

pytestmark = pytest.mark.asyncio(loop_scope="module")
Start = Callable[[], AbstractAsyncContextManager[Service]]
QUESTION = "Is that certain?"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    async with small_engine(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@asynccontextmanager
async def run_beside(adapter: Callable[[Service], Any], service: Service) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(adapter(service))
        yield
        task.cancel()


class TestDiscord:
    @pytest_asyncio.fixture(loop_scope="module")
    async def server(self) -> AsyncIterator[DiscordServer]:
        async with DiscordServer() as server:
            yield server

    @pytest.fixture
    def start(self, engine: Engine, tmp_path: Path, server: DiscordServer) -> Start:
        @asynccontextmanager
        async def bot() -> AsyncIterator[Service]:
            section = {"discord": {"token": DiscordServer.token}}
            async with open_service(engine, tmp_path, **section) as service:
                async with run_beside(discord.run, service):
                    await server.connected()
                    yield service
                await server.until(lambda: not server.gateway.live)

        return bot

    @pytest.fixture
    def place(self, server: DiscordServer) -> Place:
        return server.world.guild()

    @pytest.fixture
    def ana(self, server: DiscordServer, place: Place) -> Person:
        return server.person("ana", place)

    async def test_no_job_starts_before_the_person_agrees_even_after_a_restart(
        self, server: DiscordServer, start: Start, ana: Person
    ) -> None:
        async with start() as service:
            message = await self.question(ana)
            assert not await service.studio.store.unfinished_jobs()
        async with start() as service:
            await ana.press("Yes, say it", message).acknowledged()
            await server.until(lambda: server.messages(ana.place)[-1].content == "hello")
            await ended(service.studio.store, self.job(server, message))
        question, result = server.messages(ana.place)
        assert (question.content, question.ephemeral, question.buttons) == ("Queued 1 job.", True, {})
        assert not result.ephemeral, "the question was for ana alone, and the result is for everyone"

    async def test_a_question_in_a_group_chat_is_replaced_by_the_answer(
        self, server: DiscordServer, start: Start, ana: Person
    ) -> None:
        async with start() as service:
            place = server.world.group("ana", "bo")
            message = await self.question(replace(ana, place=place))
            replace(ana, place=place).press("Yes, say it", message)
            await server.until(lambda: server.history.states[message][-1].content == "hello")
            await ended(service.studio.store, self.job(server, message))
            assert [shown.ephemeral for shown in server.messages(place)] == [False]

    async def test_another_persons_click_is_refused_privately(
        self, server: DiscordServer, start: Start, ana: Person
    ) -> None:
        async with start():
            place = server.world.group("ana", "bo")
            message = await self.question(replace(ana, place=place))
            for label in ("Yes, say it", "No, cancel"):
                await server.person("bo", place).press(label, message).acknowledged()
            await server.until(lambda: len(server.messages(place)) == 3)
            refusals = server.messages(place)[1:]
            assert all(shown.ephemeral and "Only the person who asked" in shown.content for shown in refusals)
            assert server.history.states[message][-1].content == QUESTION

    async def test_a_second_click_creates_no_second_job(self, server: DiscordServer, start: Start, ana: Person) -> None:
        async with start() as service:
            message = await self.question(ana)
            presses = [ana.press("Yes, say it", message) for _ in range(2)]
            for press in presses:
                await press.acknowledged()
            await server.until(lambda: any("answered already" in m.content for m in server.messages(ana.place)))
            await ended(service.studio.store, self.job(server, message))
            assert (await service.studio.store.stats(0)).jobs == {"certain": {"done": 1}}

    async def test_a_declined_question_is_deleted_with_its_message(
        self, server: DiscordServer, start: Start, ana: Person
    ) -> None:
        async with start() as service:
            message = await self.question(ana)
            job = self.job(server, message)
            ana.press("No, cancel", message)
            await server.until(lambda: message not in server.backend.messages[ana.place.channel])
            assert await service.studio.store.get_question(job) is None

    async def test_a_text_is_edited_in_a_form(self, start: Start, ana: Person) -> None:
        async with start():
            answer = ana.slash("echo", text="a red apple")
            await answer.until(lambda shown: shown.content == "a red apple" and shown.buttons)
            form = await ana.press("Edit", answer.message).form()
            field = form["components"][0]["component"]
            assert (form["title"], field["value"]) == ("Edit", "a red apple")
            assert form["components"][0]["label"] == "What to say instead"
            edited = ana.fill(form, "a blue apple")
            assert (await edited.until(lambda shown: shown.content == "a blue apple")).buttons

    async def test_a_text_is_edited_in_a_form_that_is_open_across_a_restart(self, start: Start, ana: Person) -> None:
        async with start():
            answer = ana.slash("echo", text="a red apple")
            await answer.until(lambda shown: shown.content == "a red apple" and shown.buttons)
            form = await ana.press("Edit", answer.message).form()
        async with start():
            await ana.fill(form, "a blue apple").until(lambda shown: shown.content == "a blue apple")

    async def test_a_missing_text_is_written_in_an_empty_form(self, start: Start, ana: Person) -> None:
        async with start():
            answer = ana.slash("echo", text="a red apple")
            await answer.until(lambda shown: shown.content == "a red apple" and shown.buttons)
            form = await ana.press("Write", answer.message).form()
            assert not form["components"][0]["component"].get("value")
            await ana.fill(form, "and a pear").until(lambda shown: shown.content == "and a pear")

    async def test_a_text_of_a_deleted_job_cannot_be_edited(
        self, server: DiscordServer, start: Start, ana: Person
    ) -> None:
        async with start() as service:
            answer = ana.slash("echo", text="a red apple")
            shown = await answer.until(lambda shown: shown.content == "a red apple" and shown.buttons)
            await service.studio.store.forget(shown.buttons["Edit"].partition(":")[2])
            ana.press("Edit", answer.message)
            await server.until(lambda: len(server.messages(ana.place)) == 2)
            assert "has no result here" in server.messages(ana.place)[1].content

    async def test_several_jobs_get_messages_of_their_own(
        self, server: DiscordServer, start: Start, ana: Person
    ) -> None:
        async with start():
            answer = ana.slash("several", text="say")
            await answer.until(lambda shown: shown.content == "All three?")
        async with start():
            ana.press("All", answer.message)
            await server.until(lambda: {"say 1", "say 2", "say 3"} <= {m.content for m in server.messages(ana.place)})
            assert server.history.states[answer.message][-1].content == "Queued 3 jobs."
            assert len(server.messages(ana.place)) == 4

    async def test_a_message_whose_answer_was_lost_is_posted_once(
        self, server: DiscordServer, start: Start, ana: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("bot.adapters.discord.route.RETRY_SECONDS", 0.01)
        async with start() as service:
            answer = ana.slash("several", text="say")
            name = (await answer.until(lambda shown: shown.buttons)).buttons["All"].partition(":")[2]
            server.lose_answer("POST", "/channels/*/messages", times=4)
            ana.press("All", answer.message)
            for job in (name, f"{name}-2", f"{name}-3"):
                await ended(service.studio.store, job, 20)
        contents = sorted(shown.content for shown in server.messages(ana.place))
        assert contents == ["Queued 3 jobs.", "say 1", "say 2", "say 3"]

    async def test_several_jobs_that_a_crash_left_unshown_are_shown_afterwards(
        self, server: DiscordServer, start: Start, ana: Person
    ) -> None:
        async with start() as service:
            answer = ana.slash("several", text="say")
            name = (await answer.until(lambda shown: shown.buttons)).buttons["All"].partition(":")[2]
            server.trouble("POST", "/channels/*/messages", status=503, times=100)
            ana.press("All", answer.message)
            await server.until(lambda: any(trouble.times < 100 for trouble in server.rest.troubles))
            jobs = [row.job.id for row in await service.studio.store.unfinished_jobs()]
            assert jobs == [name, f"{name}-2", f"{name}-3"]
        server.rest.troubles.clear()
        async with start() as service:
            await server.until(lambda: {"say 1", "say 2", "say 3"} <= {m.content for m in server.messages(ana.place)})
            assert len(server.messages(ana.place)) == 4
            assert {(await ended(service.studio.store, job)).state for job in jobs} == {"done"}

    async def test_several_jobs_run_even_where_discord_forbids_further_messages(
        self, server: DiscordServer, start: Start, ana: Person
    ) -> None:
        async with start() as service:
            answer = ana.slash("several", text="say")
            name = (await answer.until(lambda shown: shown.buttons)).buttons["All"].partition(":")[2]
            for path in ("/channels/*/messages", "/webhooks/*"):
                server.trouble("POST", path, status=403, times=3)
            ana.press("All", answer.message)
            for job in (name, f"{name}-2", f"{name}-3"):
                assert (await ended(service.studio.store, job)).state == "done"
            assert len(server.messages(ana.place)) == 1

    async def question(self, person: Person) -> int:
        answer = person.slash("certain", text="hello")
        shown = await answer.until(lambda shown: shown.buttons)
        assert (shown.content, list(shown.buttons)) == (QUESTION, ["Yes, say it", "No, cancel"])
        assert shown.ephemeral == (person.place.guild is not None)
        return answer.message

    def job(self, server: DiscordServer, message: int) -> str:
        first: Shown = next(shown for shown in server.history.states[message] if "No, cancel" in shown.buttons)
        return first.buttons["No, cancel"].partition(":")[2]


class TestTelegram:
    @pytest_asyncio.fixture(loop_scope="module")
    async def server(self) -> AsyncIterator[TelegramServer]:
        async with TelegramServer() as server:
            yield server

    @pytest.fixture
    def start(self, engine: Engine, tmp_path: Path, server: TelegramServer) -> Start:
        @asynccontextmanager
        async def bot() -> AsyncIterator[Service]:
            section = {"telegram": {"token": server.token, "base_url": server.origin}}
            async with open_service(engine, tmp_path, **section) as service, run_beside(telegram.run, service):
                yield service

        return bot

    async def test_the_answer_replaces_the_question_after_a_restart_too(
        self, server: TelegramServer, start: Start
    ) -> None:
        chat = server.private(7)
        async with start():
            asked = await chat.answer(to=await chat.say("/certain hello"), when=has_buttons)
            assert (asked["text"], labels(asked)) == (QUESTION, ["Yes, say it", "No, cancel"])
            job = asked["reply_markup"]["inline_keyboard"][0][0]["callback_data"].removeprefix("yes:")
        async with start() as service:
            assert await chat.press(asked, "Yes, say it") == ""
            await server.until(lambda: chat.room.messages[asked["message_id"]]["text"] == "hello" or None)
            await ended(service.studio.store, job)
            assert (await service.studio.store.stats(0)).jobs == {"certain": {"done": 1}}
        assert len(chat.room.of_bot()) == 1

    @pytest.mark.parametrize("answer", ["", "Yes, say it", "No, cancel"])
    async def test_an_update_that_telegram_repeats_asks_one_question_even_after_a_restart(
        self, server: TelegramServer, start: Start, answer: str
    ) -> None:
        chat = server.private(7)
        message = await chat.say("/certain hello")
        async with start() as service:
            asked = await chat.answer(to=message, when=has_buttons)
            if answer:
                await chat.press(asked, answer)
            await server.push({"message": message})
            await chat.answer(to=await chat.say("/echo between"), when=has_button("Edit"))
        async with start() as service:
            await server.push({"message": message})
            await chat.answer(to=await chat.say("/echo after"), when=has_button("Edit"))
            asked_now = [m["text"] for m in chat.room.of_bot() if m["text"] not in {"between", "after"}]
            assert asked_now == {"": [QUESTION], "Yes, say it": ["hello"], "No, cancel": []}[answer]
            assert (await service.studio.store.stats(0)).jobs.get("certain") == (
                {"done": 1} if answer[:1] == "Y" else None
            )

    async def test_another_persons_click_is_refused_and_a_declined_question_is_deleted(
        self, server: TelegramServer, start: Start
    ) -> None:
        room = server.group()
        async with start() as service:
            ana = room.seat(7)
            asked = await ana.answer(to=await ana.say("/certain hello"), when=has_buttons)
            assert "Only the person who asked" in await room.seat(8).press(asked, "Yes, say it")
            assert "Only the person who asked" in await room.seat(8).press(asked, "No, cancel")
            assert await ana.press(asked, "No, cancel") == "Cancelled."
            await server.until(lambda: asked["message_id"] not in room.messages or None)
            assert not (await service.studio.store.stats(0)).jobs

    async def test_several_jobs_get_messages_of_their_own(self, server: TelegramServer, start: Start) -> None:
        chat = server.private(7)
        async with start():
            asked = await chat.answer(to=await chat.say("/several say"), when=has_buttons)
        async with start():
            await chat.press(asked, "All")
            said = {"say 1", "say 2", "say 3"}
            await server.until(lambda: said <= {m["text"] for m in chat.room.of_bot()} or None)
            assert chat.room.messages[asked["message_id"]]["text"] == "Queued 3 jobs."

    async def test_a_reply_with_the_edited_text_counts_as_the_click_after_a_restart_too(
        self, server: TelegramServer, start: Start
    ) -> None:
        chat = server.private(7)
        async with start():
            made = await chat.answer(to=await chat.say("/echo a red apple 🍎"), when=has_button("Edit"))
            await chat.press(made, "Edit")
            opened_ = await chat.answer(to=made)
            assert opened_["text"].endswith("\n\na red apple 🍎")
            (code,) = (entity for entity in opened_["entities"] if entity["type"] == "pre")
            assert code["offset"] == len(opened_["text"]) - len("a red apple 🍎")
            assert "force_reply" in server.called("sendMessage")[-1].form["reply_markup"]
        async with start():
            sent = await chat.say("a blue apple", reply_to=opened_)
            assert (await chat.answer(to=sent, when=has_button("Edit")))["text"] == "a blue apple"

    async def test_a_missing_text_is_asked_for_by_its_purpose(self, server: TelegramServer, start: Start) -> None:
        chat = server.private(7)
        async with start():
            made = await chat.answer(to=await chat.say("/echo a red apple"), when=has_button("Write"))
            await chat.press(made, "Write")
            opened_ = await chat.answer(to=made)
            assert opened_["text"].lstrip("\u200b").startswith("What to say after it\nReply to this message")
            sent = await chat.say("and a pear", reply_to=opened_)
            assert (await chat.answer(to=sent, when=has_button("Write")))["text"] == "and a pear"

    async def test_a_command_in_reply_to_a_text_is_a_command(self, server: TelegramServer, start: Start) -> None:
        chat = server.private(7)
        async with start():
            made = await chat.answer(to=await chat.say("/echo a red apple"), when=has_button("Edit"))
            await chat.press(made, "Edit")
            opened_ = await chat.answer(to=made)
            sent = await chat.say("/echo something else", reply_to=opened_)
            assert (await chat.answer(to=sent, when=has_button("Edit")))["text"] == "something else"


class TestHttp:
    @pytest_asyncio.fixture(loop_scope="module")
    async def opened_here(self, engine: Engine, tmp_path: Path) -> AsyncIterator[Service]:
        async with open_service(engine, tmp_path) as service:
            yield service

    @pytest_asyncio.fixture(loop_scope="module")
    async def ask(self, opened_here: Service) -> AsyncIterator[Callable[..., Any]]:
        server = await Server.of(opened_here)
        await server.start("127.0.0.1", 0)
        async with ClientSession(server.url, cookie_jar=CookieJar(unsafe=True)) as session:
            yield partial(post, session)
        await opened_here.close()
        await server.stop()

    async def test_a_question_is_answered_by_its_button_once(self, ask: Callable[..., Any]) -> None:
        asked = await ask({"line": "/certain hello"})
        assert (asked["id"], asked["state"], asked["text"]) == (None, "done", QUESTION)
        yes, no = asked["buttons"]
        assert (yes["replaces"], yes["withdraws"], no["withdraws"]) == (True, False, True)
        made = await ask({"button": f"yes:{yes['argument']}"})
        assert made["id"] == yes["argument"]
        again = await ask({"button": f"yes:{yes['argument']}"})
        assert "answered already" in again["error"]["message"]

    async def test_a_declined_question_is_closed(self, ask: Callable[..., Any]) -> None:
        job = (await ask({"line": "/certain hello"}))["result"]["facts"]["ask"]
        assert (await ask({"button": f"no:{job}"}))["text"] == "Cancelled."
        assert "has expired" in (await ask({"button": f"yes:{job}"}))["error"]["message"]

    async def test_several_jobs_start_together_and_run_without_a_listener(
        self, ask: Callable[..., Any], opened_here: Service
    ) -> None:
        name = (await ask({"line": "/several say"}))["result"]["facts"]["ask"]
        agreed = await ask({"button": f"yes:{name}"})
        assert (agreed["text"], agreed["then"]) == ("Queued 3 jobs.", [name, f"{name}-2", f"{name}-3"])
        rows = [await ended(opened_here.studio.store, each) for each in agreed["then"]]
        assert [row.result.text for row in rows if row.result] == ["say 1", "say 2", "say 3"]
        assert [(await ask(None, f"/jobs/{row.job.id}"))["state"] for row in rows] == ["done"] * 3
        assert "answered already" in (await ask({"button": f"yes:{name}"}))["error"]["message"]

    async def test_several_jobs_that_are_declined_are_never_created(self, ask: Callable[..., Any]) -> None:
        left = (await ask({"line": "/several say"}))["result"]["facts"]["ask"]
        await ask({"button": f"no:{left}"})
        assert "has expired" in (await ask({"button": f"yes:{left}"}))["error"]["message"]

    async def test_a_button_returns_its_text_and_accepts_the_edited_one(self, ask: Callable[..., Any]) -> None:
        state = await ask({"line": "/echo a red apple"})
        while state["state"] != "done":
            state = await ask(None, f"/jobs/{state['id']}")
        edit = state["buttons"][0]
        assert (edit["label"], edit["edit"]) == ("Edit", "a red apple")
        edited = await ask({"button": f"otherwise:{edit['argument']}", "text": "a blue apple"})
        while edited["state"] != "done":
            edited = await ask(None, f"/jobs/{edited['id']}")
        assert edited["result"]["text"] == "a blue apple"
        assert [(button["label"], button["edit"]) for button in edited["buttons"]][1] == ("Write", "")


async def test_a_question_keeps_its_files_until_it_expires() -> None:
    now = 1000.0
    file = {"path": "a.png", "mime": "image/png", "sha256": "f" * 64, "bytes": 1}
    whole = {**file, "width": None, "height": None, "seconds": None}
    job = fake_echo().model_copy(update={"params": {"image": whole}})
    async with Store.open(":memory:", clock=lambda: now) as store:
        question = Question((job,), until=1060)
        await store.add_question(question)
        assert await store.referenced_files() == {"f" * 64}
        assert await store.get_question(job.id) == question
        now = 1060.0
        assert await store.get_question(job.id) is None
        assert await store.delete_expired() == 1
        assert await store.referenced_files() == set()


def has_buttons(message: Json) -> bool:
    return "No, cancel" in labels(message)


def has_button(label: str) -> Callable[[Json], bool]:
    return lambda message: label in labels(message)


def labels(message: Json) -> list[str]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button["text"] for row in rows for button in row]


async def post(session: ClientSession, body: dict[str, Any] | None, path: str = "/jobs") -> Any:
    async with session.request("GET" if body is None else "POST", path, json=body) as response:
        return await response.json()
