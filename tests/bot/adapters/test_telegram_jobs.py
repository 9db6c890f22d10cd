"""/jobs and /cancel through the real Telegram library, with a loopback Bot API server."""

import asyncio
import re

from bot.requests.names import load_names
from bot.requests.service import Service
from tests.bot.adapters.test_telegram import (  # noqa: F401  # fixtures
    engine,
    idle_server,
    is_final,
    labels,
    pytestmark,
    server,
    service,
    serving,
)
from tests.fakes import paused
from tests.servers.telegram import Json, TelegramServer
from tests.timing import HANG_SECONDS


async def wait_until_recorded(service: Service, message: Json) -> None:  # noqa: F811  # a fixture's name
    """Wait until the store knows that the job is shown in this message."""
    async with asyncio.timeout(HANG_SECONDS):
        while not any(  # noqa: ASYNC110  # rows have no event for changes
            f"/{message['message_id']}/" in row.job.origin for row in await service.studio.store.unfinished_jobs()
        ):
            await asyncio.sleep(0.005)


async def test_jobs_links_to_the_messages_of_a_group(
    server: TelegramServer,  # noqa: F811  # a fixture
    service: Service,  # noqa: F811
) -> None:
    room = server.group()
    seat = room.seat(7)
    with paused(service.studio.engine):
        asked = await seat.say("/echo a frog")
        waiting = await seat.answer(to=asked)
        await wait_until_recorded(service, waiting)
        listed = await seat.answer(to=await seat.say("/jobs"))
        await seat.press(waiting, "Cancel")
    link = f"https://t.me/c/{str(waiting['chat']['id']).removeprefix('-100')}/{waiting['message_id']}"
    line = listed["text"].splitlines()[0]
    assert line.startswith("number 1 in the queue · /echo a frog · ")
    assert line.endswith(f" · {link}")


async def test_the_jobs_of_a_private_chat_are_cancelled_by_buttons(
    server: TelegramServer,  # noqa: F811
    service: Service,  # noqa: F811
) -> None:
    chat = server.private(7)
    with paused(service.studio.engine):
        asked = [await chat.say(f"/echo frog {number}") for number in range(3)]
        for message in asked:
            await chat.answer(to=message)
        listed = await chat.answer(to=await chat.say("/jobs"))
        assert "https://" not in listed["text"], "private chats have no links"
        assert await chat.press(listed, "Cancel: frog 1") == "Cancelled: /echo frog 1"
        await chat.answer(to=asked[1], when=lambda answer: "Cancelled." in answer["text"])
        assert await chat.press(listed, "Cancel: frog 1") == "⚠️ This job has already finished: /echo frog 1"
        assert listed in server.private(7).room.of_bot(), "a list is not replaced by the result of one of its jobs"
        assert await chat.press(listed, "Cancel all") == "Cancelled 2 jobs."
    for message in asked:
        await chat.answer(to=message, when=lambda answer: answer["text"] == "⚠️ Cancelled.")


async def test_history_turns_its_pages_in_one_message(server: TelegramServer) -> None:  # noqa: F811
    chat = server.private(7)
    for number in range(6):
        await chat.answer(to=await chat.say(f"/echo frog {number}"), when=is_final)
    page = await chat.answer(to=await chat.say("/history"))
    assert re.findall(r"frog \d", page["text"]) == ["frog 5", "frog 4", "frog 3", "frog 2", "frog 1"]
    await chat.press(page, "Older")
    await server.until(lambda: "frog 0" in page["text"] or None)
    assert await chat.press(page, "Show again: frog 0") == "frog 0"
    await chat.press(page, "Newer")
    await server.until(lambda: "frog 5" in page["text"] or None)
    assert "Older" in labels(page)


async def test_history_in_a_group_leaves_out_private_results(server: TelegramServer) -> None:  # noqa: F811
    chat = server.private(7)
    await chat.answer(to=await chat.say("/echo a secret"), when=is_final)
    seat = server.group().seat(7)
    assert (await seat.answer(to=await seat.say("/history")))["text"] == "You haven't made anything yet."


async def test_the_name_of_a_person_is_kept_for_admins(server: TelegramServer, service: Service) -> None:  # noqa: F811
    chat = server.private(7, name="Ana")
    await chat.answer(to=await chat.say("/echo hello"), when=is_final)
    assert await load_names(service.studio.store, ["telegram:7", "telegram:8"]) == {
        "telegram:7": "Ana (telegram:7)",
        "telegram:8": "telegram:8",
    }
