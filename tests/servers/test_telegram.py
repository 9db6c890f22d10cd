"""The loopback Bot API server itself must catch what the real one refuses."""

from collections.abc import AsyncIterator

import pytest
from telegram import Bot, BotCommand, InlineKeyboardButton, InlineKeyboardMarkup, ReplyParameters
from telegram.error import BadRequest, InvalidToken, NetworkError, RetryAfter

from tests.servers.telegram import TelegramServer
from tests.servers.telegram.spec import SPEC

needs_spec = pytest.mark.skipif(not SPEC.exists(), reason=f"{SPEC.name} is not beside this clone")


@pytest.fixture(autouse=True)
def periods_are_timedeltas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "true")


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        yield server


@pytest.fixture
async def bot(server: TelegramServer) -> AsyncIterator[Bot]:
    async with Bot(server.token, base_url=server.base_url, base_file_url=f"{server.origin}/file/bot") as bot:
        yield bot


async def test_a_message_is_received_and_answered(server: TelegramServer, bot: Bot) -> None:
    chat = server.private(7, language="es")
    asked = await chat.say("/imagine a cat")
    (update,) = await bot.get_updates(timeout=1)
    assert update.message is not None
    assert update.message.from_user is not None
    assert update.message.from_user.language_code == "es"
    await bot.send_message(7, "here", reply_parameters=ReplyParameters(update.message.message_id))
    assert (await chat.answer(to=asked))["text"] == "here"
    assert await bot.get_updates(offset=update.update_id + 1, timeout=0) == ()


async def test_files_are_sent_and_received(server: TelegramServer, bot: Bot) -> None:
    chat = server.private(7)
    await chat.document(b"abc" * 1000, "notes.txt", "text/plain", caption="/echo")
    (update,) = await bot.get_updates(timeout=1)
    assert update.message is not None
    assert update.message.document is not None
    file = await update.message.document.get_file()
    assert bytes(await file.download_as_bytearray()) == b"abc" * 1000
    await bot.send_document(7, b"made", filename="made.bin", caption="yours")
    answer = await chat.answer()
    assert answer["document"]["file_name"] == "made.bin"
    assert answer["caption"] == "yours"


async def test_a_text_too_long_is_refused(server: TelegramServer, bot: Bot) -> None:
    server.private(7)
    with pytest.raises(BadRequest, match=r"4096|too long"):
        await bot.send_message(7, "x" * 4097)
    server.problems.clear()


async def test_callback_data_over_64_bytes_is_refused(server: TelegramServer, bot: Bot) -> None:
    server.private(7)
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Cancel", callback_data="ñ" * 33)]])
    with pytest.raises(BadRequest, match=r"64|(?i:button_data_invalid)"):
        await bot.send_message(7, "x", reply_markup=keyboard)
    server.problems.clear()


async def _send_a_colour() -> None:
    async with TelegramServer() as server, Bot(server.token, base_url=server.base_url) as bot:
        server.private(7)
        with pytest.raises(BadRequest):
            await bot.send_message(7, "x", api_kwargs={"colour": "red"})


@needs_spec
async def test_an_unknown_field_fails_the_test_that_sent_it() -> None:
    with pytest.raises(AssertionError, match=r"sendMessage\.colour is unknown"):
        await _send_a_colour()


@needs_spec
async def test_a_command_without_a_description_is_refused(server: TelegramServer, bot: Bot) -> None:
    assert await bot.set_my_commands([BotCommand("imagine", "Draw")], language_code="es")
    assert server.commands["es"] == [{"command": "imagine", "description": "Draw"}]
    with pytest.raises(BadRequest):
        await bot.set_my_commands([BotCommand("imagine", "")])
    server.problems.clear()


async def test_faults_occur_on_request(server: TelegramServer, bot: Bot) -> None:
    server.private(7)
    server.fail("sendMessage", 429, retry_after=3)
    with pytest.raises(RetryAfter, match="3"):
        await bot.send_message(7, "x")
    server.fail("sendMessage", 502)
    with pytest.raises(NetworkError):
        await bot.send_message(7, "x")
    assert (await bot.send_message(7, "x")).text == "x"


async def test_a_wrong_token_is_refused_by_the_server(server: TelegramServer) -> None:
    with pytest.raises(InvalidToken):
        async with Bot("123456:wrong", base_url=server.base_url):
            pass


async def test_a_topic_is_separate_from_its_group(server: TelegramServer, bot: Bot) -> None:
    room = server.group(forum=True)
    thread = room.topic("Landscapes")
    await room.seat(7, thread=thread).say("/status")
    (update,) = await bot.get_updates(timeout=1)
    assert update.message is not None
    assert update.message.is_topic_message
    assert update.message.message_thread_id == thread
    sent = await bot.send_message(room.id, "x", message_thread_id=thread)
    assert sent.message_thread_id == thread
    with pytest.raises(BadRequest, match="thread not found"):
        await bot.send_message(room.id, "x", message_thread_id=999)
