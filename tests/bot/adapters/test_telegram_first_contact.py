"""What a person meets first on Telegram: the greeting, plain words, files without words, and bare commands."""

# ruff: noqa: F401, F811  # pytest finds fixtures by their names

from typing import Any

import pytest

from bot.requests.service import Service
from tests.fakes import quiet
from tests.servers.telegram import Json, Seat, TelegramServer

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
    shows_photo,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


def words_of(message: Json) -> str:
    """Return what a person sees of the message's text."""
    return str(message.get("text", message.get("caption", ""))).lstrip("\u200b")


def job_of(message: Json) -> str:
    return labels(message)["Delete"].partition(":")[2]


async def params_of(service: Service, message: Json) -> dict[str, Any]:
    """Return the parameters of the job that the message shows."""
    row = await service.studio.store.job(job_of(message))
    assert row is not None
    return row.job.params


async def pressed(chat: Seat, message: Json, label: str) -> Json:
    """Press a button and return the result that is shown in place of the message."""
    await chat.press(message, label)
    return await chat.answer(
        when=lambda shown: shown["message_id"] == message["message_id"] and "Delete" in labels(shown)
    )


class TestGreeting:
    async def test_start_greets_by_name_with_a_picture_and_three_buttons(self, server: TelegramServer) -> None:
        chat = server.private(7, name="Ana")
        greeting = await chat.answer(to=await chat.say("/start"), when=shows_photo)
        assert greeting["caption"].startswith("Hello, Ana!")
        assert len(labels(greeting)) == 3
        largest = greeting["photo"][-1]
        assert (largest["width"], largest["height"]) == (512, 512)

    async def test_it_greets_in_the_language_of_the_person(self, server: TelegramServer) -> None:
        chat = server.private(7, language="es-419", name="Ana")
        greeting = await chat.answer(to=await chat.say("/start"))
        assert greeting["caption"].startswith("¡Hola, Ana!")
        assert "Dibujar mi idea" in labels(greeting)

    async def test_each_button_does_something(self, server: TelegramServer, service: Service) -> None:
        chat = server.private(7)
        greeting = await chat.answer(to=await chat.say("/start"))
        await chat.press(greeting, "Everything I can do")
        await chat.answer(to=greeting, when=lambda answer: "/faceswap" in words_of(answer))
        await chat.press(greeting, "Draw my idea")
        question = await chat.answer(to=greeting, when=lambda answer: words_of(answer).startswith("What shall I draw?"))
        assert chat.box(question)
        await chat.press(greeting, "Draw this")
        drawn = await chat.answer(to=greeting, when=lambda answer: "Delete" in labels(answer))
        assert (await params_of(service, drawn))["prompt"] == "a sailboat at sunset"


class TestPlainWords:
    async def test_the_first_words_are_asked_about_and_the_next_ones_are_drawn(
        self, server: TelegramServer, service: Service
    ) -> None:
        chat = server.private(7)
        asked = await chat.answer(to=await chat.say("a red fox"))
        assert words_of(asked) == "Draw “a red fox”?"
        drawn = await pressed(chat, asked, "Yes, draw it")
        assert (await params_of(service, drawn))["prompt"] == "a red fox"
        second = await chat.answer(to=await chat.say("a blue fox"), when=is_final)
        assert (await params_of(service, second))["prompt"] == "a blue fox"

    async def test_the_answer_is_remembered_over_a_restart_and_for_that_person_only(
        self, idle_server: TelegramServer, serving: Serve
    ) -> None:
        chat, other = idle_server.private(7), idle_server.private(8, name="Bo")
        async with serving(idle_server.origin, idle_server.token):
            asked = await chat.answer(to=await chat.say("a red fox"))
        async with serving(idle_server.origin, idle_server.token):
            await pressed(chat, asked, "Yes, draw it")
        async with serving(idle_server.origin, idle_server.token):
            assert shows_photo(await chat.answer(to=await chat.say("a blue fox"), when=is_final))
            assert words_of(await other.answer(to=await other.say("a blue fox"))) == "Draw “a blue fox”?"

    async def test_words_that_were_deleted_are_not_drawn(self, server: TelegramServer) -> None:
        chat = server.private(7)
        said = await chat.say("a red fox")
        asked = await chat.answer(to=said)
        del asked["reply_to_message"]
        assert "gone" in await chat.press(asked, "Yes, draw it")


class TestFilesWithoutWords:
    async def test_a_photo_is_asked_about_and_a_button_uses_it(self, server: TelegramServer) -> None:
        chat = server.private(7)
        asked = await chat.answer(to=await chat.photo(png(24, 24)))
        assert words_of(asked) == "What shall I do with it?"
        assert list(labels(asked)) == ["Upscale", "Redraw", "Animate", "Swap faces"]
        shown = await pressed(chat, asked, "Upscale")
        assert shown["photo"][-1]["width"] > 24

    @pytest.mark.parametrize("kind", ["voice", "video_note", "audio"])
    async def test_speech_is_asked_about(self, kind: str, server: TelegramServer) -> None:
        chat = server.private(7)
        if kind == "audio":
            sent = await chat.document(quiet(), "hello.wav", "audio/wav")
        else:
            sent = await getattr(chat, kind)(quiet())
        asked = await chat.answer(to=sent)
        both = ["Animate", "Subtitle"]
        assert sorted(labels(asked)) == (
            both if kind != "video_note" else [both[0], "Subtitle", "Swap faces", "Upscale"]
        )

    async def test_the_buttons_work_after_a_restart(self, idle_server: TelegramServer, serving: Serve) -> None:
        chat = idle_server.private(7)
        async with serving(idle_server.origin, idle_server.token):
            asked = await chat.answer(to=await chat.photo(png(24, 24)))
        async with serving(idle_server.origin, idle_server.token):
            assert shows_photo(await pressed(chat, asked, "Upscale"))

    async def test_a_caption_that_is_no_command_is_an_instruction(
        self, server: TelegramServer, service: Service
    ) -> None:
        chat = server.private(7)
        drawn = await chat.answer(to=await chat.photo(png(64, 64), caption="as an oil painting"), when=is_final)
        params = await params_of(service, drawn)
        assert params["prompt"] == "as an oil painting"
        assert (params["image"]["width"], params["image"]["height"]) == (64, 64)

    async def test_a_caption_that_names_a_command_runs_it(self, server: TelegramServer) -> None:
        chat = server.private(7)
        sent = await chat.photo(png(24, 24), caption="Upscale")
        assert (await chat.answer(to=sent, when=is_final))["photo"][-1]["width"] > 24

    async def test_a_file_that_nothing_can_be_done_with_is_answered(self, server: TelegramServer) -> None:
        chat = server.private(7)
        asked = await chat.answer(to=await chat.document(b"PK", "a.zip", "application/zip"))
        assert words_of(asked).startswith("I can't use that.")
        assert not labels(asked)

    async def test_nobody_else_presses_its_buttons(self, server: TelegramServer) -> None:
        room = server.group()
        asked = await room.seat(7).answer(to=await room.seat(7).photo(png(24, 24), caption="@atelier_bot"))
        assert await room.seat(8, name="Bo").press(asked, "Upscale") == "Only the person who asked can answer this."
        assert words_of(asked) == "What shall I do with it?"


class TestBareCommands:
    async def test_it_asks_for_the_words_and_the_reply_runs_it(self, server: TelegramServer, service: Service) -> None:
        chat = server.private(7)
        question = await chat.answer(to=await chat.say("/imagine"))
        assert words_of(question).startswith("What shall I draw?")
        box = chat.box(question)
        assert box is not None
        assert box.placeholder == "For example: a castle at night"
        drawn = await chat.answer(to=await chat.say("a red fox --seed 3", reply_to=question), when=is_final)
        params = await params_of(service, drawn)
        assert (params["prompt"], params["seed"]) == ("a red fox", 3)

    async def test_it_asks_for_the_file_and_keeps_the_options(self, server: TelegramServer, service: Service) -> None:
        chat = server.private(7)
        question = await chat.answer(to=await chat.say("/upscale --scale 3"))
        assert "enlarge" in words_of(question)
        await chat.photo(png(24, 24), reply_to=question)
        shown = await chat.answer(when=lambda answer: "Delete" in labels(answer))
        assert (await params_of(service, shown))["scale"] == 3

    async def test_it_asks_for_one_thing_after_another(self, server: TelegramServer) -> None:
        chat = server.private(7)
        question = await chat.answer(to=await chat.say("/faceswap"))
        assert "Whose face" in words_of(question)
        second = await chat.answer(to=await chat.photo(png(30, 30), reply_to=question))
        assert "Where shall I put the face?" in words_of(second)
        last = await chat.answer(to=await chat.photo(png(40, 40), reply_to=second))
        assert "consent" in words_of(last)

    async def test_the_question_is_understood_after_a_restart(
        self, idle_server: TelegramServer, serving: Serve
    ) -> None:
        chat = idle_server.private(7)
        async with serving(idle_server.origin, idle_server.token):
            question = await chat.answer(to=await chat.say("/imagine --steps 1"))
        async with serving(idle_server.origin, idle_server.token):
            said = await chat.say("a red fox", reply_to=question)
            assert shows_photo(await chat.answer(to=said, when=is_final))

    async def test_in_a_group_the_person_is_mentioned_and_gets_the_box(self, server: TelegramServer) -> None:
        room = server.group()
        ana, bo = room.seat(7), room.seat(8, name="Bo")
        question = await ana.answer(to=await ana.say("/upscale"))
        assert words_of(question).startswith("Ana: ")
        assert ana.box(question)
        assert not bo.box(question)
        await bo.photo(png(10, 10), reply_to=question)
        await ana.photo(png(24, 24), reply_to=question)
        shown = await ana.answer(when=lambda answer: "Delete" in labels(answer))
        assert shown["photo"][-1]["width"] > 24

    async def test_no_question_shows_an_inner_id(self, server: TelegramServer) -> None:
        chat = server.private(7)
        drawn = await chat.answer(to=await chat.say("/imagine a face --steps 1"), when=is_final)
        await chat.press(drawn, "Animate")
        question = await chat.answer(to=drawn)
        assert job_of(drawn) not in question["text"]
        assert "animate" not in question["text"]

    async def test_a_wrong_option_is_refused_before_anything_is_asked(self, server: TelegramServer) -> None:
        chat = server.private(7)
        refusal = await chat.answer(to=await chat.say("/imagine --count 9"))
        assert refusal["text"] == "⚠️ count is 9; it must be at most 4."

    async def test_a_command_in_reply_to_the_question_is_a_command(self, server: TelegramServer) -> None:
        chat = server.private(7)
        question = await chat.answer(to=await chat.say("/imagine"))
        said = await chat.say("/echo no", reply_to=question)
        await chat.answer(to=said, when=lambda answer: answer.get("text") == "no")


class TestAlbums:
    async def test_two_photos_are_source_and_target(self, server: TelegramServer, service: Service) -> None:
        chat = server.private(7)
        first, _ = await chat.album(png(30, 30), png(40, 40), caption="/faceswap")
        asked = await chat.answer(to=first, when=lambda answer: "I confirm" in labels(answer))
        question = await service.studio.store.get_question(labels(asked)["I confirm"].partition(":")[2])
        assert question is not None
        params = question.jobs[0].params
        assert (params["source"]["width"], params["target"]["width"]) == (30, 40)

    async def test_an_album_without_words_is_asked_about_once(self, server: TelegramServer) -> None:
        chat = server.private(7)
        first, _ = await chat.album(png(30, 30), png(40, 40))
        asked = await chat.answer(to=first)
        assert words_of(asked) == "What shall I do with them?"
        assert list(labels(asked)) == ["Swap faces"]
        await chat.press(asked, "Swap faces")
        await chat.answer(when=lambda answer: "I confirm" in labels(answer))
        assert len(chat.room.of_bot()) == 1

    async def test_more_files_than_the_command_takes_are_refused(self, server: TelegramServer) -> None:
        chat = server.private(7)
        first, _ = await chat.album(png(30, 30), png(40, 40), caption="/upscale")
        assert (await chat.answer(to=first))["text"] == "⚠️ /upscale takes at most 1 file. Send fewer."


class TestGroups:
    @pytest.mark.parametrize("words", ["@atelier_bot draw a red fox", "@Atelier_Bot a red fox"])
    async def test_a_mention_draws(self, words: str, server: TelegramServer, service: Service) -> None:
        chat = server.group().seat(7)
        drawn = await chat.answer(to=await chat.say(words), when=is_final)
        assert (await params_of(service, drawn))["prompt"] == "a red fox"

    async def test_a_mention_with_the_name_of_a_command_runs_it(self, server: TelegramServer) -> None:
        room = server.group()
        picture = await room.seat(8, name="Bo").photo(png(24, 24))
        said = await room.seat(7).say("@atelier_bot upscale", reply_to=picture)
        assert (await room.seat(7).answer(to=said, when=is_final))["photo"][-1]["width"] > 24

    async def test_a_reply_to_a_picture_of_the_bot_changes_it(self, server: TelegramServer, service: Service) -> None:
        chat = server.group().seat(7)
        drawn = await chat.answer(to=await chat.say("/imagine a red fox --steps 1"), when=is_final)
        changed = await chat.answer(to=await chat.say("at night", reply_to=drawn), when=is_final)
        params = await params_of(service, changed)
        assert (params["prompt"], params["image"]["width"]) == ("at night", 512)

    async def test_thanks_to_a_message_without_a_picture_draw_nothing(self, server: TelegramServer) -> None:
        chat = server.group().seat(7)
        answer = await chat.answer(to=await chat.say("/whoami"))
        await chat.say("thanks", reply_to=answer)
        await chat.answer(to=await chat.say("/echo last"), when=lambda shown: shown.get("text") == "last")
        assert len(chat.room.of_bot()) == 2


class TestEditedCommands:
    async def test_a_corrected_command_runs(self, server: TelegramServer) -> None:
        chat = server.private(7)
        said = await chat.say("/imagin a red fox")
        await chat.answer(to=said)
        await chat.edit(said, "/imagine a red fox")
        assert await chat.answer(to=said, when=shows_photo)

    async def test_a_changed_prompt_is_drawn_anew(self, server: TelegramServer, service: Service) -> None:
        chat = server.private(7)
        said = await chat.say("/imagine a red fox --steps 1")
        await chat.answer(to=said, when=lambda answer: "Delete" in labels(answer))
        await chat.edit(said, "/imagine a blue fox --steps 1")
        drawn = await chat.answer(to=said, when=lambda answer: "a blue fox" in words_of(answer))
        assert (await params_of(service, drawn))["prompt"] == "a blue fox"

    async def test_other_edited_words_are_left_alone(self, server: TelegramServer) -> None:
        chat = server.group().seat(7)
        said = await chat.say("look, @atelier_bot")
        await chat.edit(said, "look here, @atelier_bot")
        await chat.answer(to=await chat.say("/echo last"), when=lambda shown: shown.get("text") == "last")
        assert len(chat.room.of_bot()) == 1
