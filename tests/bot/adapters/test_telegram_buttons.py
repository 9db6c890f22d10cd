"""Buttons under a result through the real Telegram library, with a loopback Bot API server."""

from bot.commands import COMMANDS
from bot.requests.service import Service
from storage.store import JobRecord
from tests.bot.adapters.test_telegram import (  # noqa: F401  # fixtures
    Serve,
    engine,
    idle_server,
    is_final,
    labels,
    png,
    pytestmark,
    server,
    service,
    serving,
)
from tests.servers.telegram import Json, TelegramServer
from tests.servers.telegram.chats import Seat

FROG = "/imagine a green frog --steps 1"


async def draw(chat: Seat, line: str = FROG) -> Json:
    """Return the bot's message with the picture and the buttons."""
    return await chat.answer(to=await chat.say(line), when=is_final)


async def click_and_wait(chat: Seat, message: Json) -> Json:
    """Return what a click on a button of `message` created."""
    return await chat.answer(to=message, when=is_final)


async def row_of(service: Service, message: Json) -> JobRecord:  # noqa: F811  # a fixture's name
    row = await service.studio.store.job(labels(message)["Delete"].removeprefix("delete:"))
    assert row is not None
    return row


async def test_every_button_id_fits_telegrams_limit(server: TelegramServer) -> None:  # noqa: F811
    answer = await draw(server.private(7))
    assert list(labels(answer)) == ["Again", "Vary", "Upscale", "Animate", "Delete"]
    assert all(len(f"{each.name}:{'f' * 10}.99".encode()) <= 64 for each in COMMANDS)


async def test_again_and_vary_create_new_pictures(server: TelegramServer, service: Service) -> None:  # noqa: F811
    chat = server.private(7)
    first = await draw(chat)
    await chat.press(first, "Again")
    again = await click_and_wait(chat, first)
    await chat.press(again, "Vary")
    varied = await click_and_wait(chat, again)
    rows = [await row_of(service, message) for message in (first, again, varied)]
    assert len({row.job.params["seed"] for row in rows}) == 3
    made = rows[1].result
    assert made is not None
    assert rows[2].job.params["image"]["sha256"] == made.media[0].sha256


async def test_buttons_work_after_a_restart(idle_server: TelegramServer, serving: Serve) -> None:  # noqa: F811
    chat = idle_server.private(7)
    async with serving(idle_server.origin, idle_server.token):
        first = await draw(chat)
    async with serving(idle_server.origin, idle_server.token):
        await chat.press(first, "Again")
        assert "photo" in await click_and_wait(chat, first)


async def test_a_picture_that_is_no_longer_stored_is_taken_from_its_message(
    server: TelegramServer,  # noqa: F811
    service: Service,  # noqa: F811
) -> None:
    chat = server.private(7)
    first = await draw(chat)
    made = (await row_of(service, first)).result
    assert made is not None
    made.media[0].path.unlink()
    await chat.press(first, "Vary")
    assert (await row_of(service, await click_and_wait(chat, first))).job.params["image"]["width"] == 512


async def test_only_its_owner_deletes_it(server: TelegramServer, service: Service) -> None:  # noqa: F811
    room = server.group()
    first = await draw(room.seat(7))
    row = await row_of(service, first)
    assert row.result is not None
    assert "Only the person who asked" in await room.seat(8).press(first, "Delete")
    assert first["message_id"] in room.messages
    assert await room.seat(7).press(first, "Delete") == "Deleted."
    await server.until(lambda: first["message_id"] not in room.messages)
    assert not row.result.media[0].path.exists()


async def test_a_forged_click_deletes_no_other_message(server: TelegramServer, service: Service) -> None:  # noqa: F811
    room = server.group()
    theirs, own = await draw(room.seat(7)), await draw(room.seat(8), f"{FROG} --seed 5")
    forged = labels(own)["Delete"]
    assert await room.seat(8).press_data(theirs, forged) == "This button no longer belongs to that message."
    assert theirs["message_id"] in room.messages
    result = (await row_of(service, own)).result
    assert result is not None
    assert result.media, "nothing was done"
    said = await room.seat(7).say("/jobs")
    assert await room.seat(8).press_data(said, forged) == "This button no longer belongs to that message."


async def test_a_forged_yes_replaces_no_other_message(server: TelegramServer) -> None:  # noqa: F811
    room = server.group()
    theirs = await draw(room.seat(7))
    asked = await room.seat(8).answer(to=await room.seat(8).say("/imagine {red|blue} frog --steps 1"))
    for button in ("yes", "no"):
        data = next(data for data in labels(asked).values() if data.startswith(f"{button}:"))
        assert "no longer belongs to that message" in await room.seat(8).press_data(theirs, data)
    assert room.messages[theirs["message_id"]] == theirs


async def test_an_old_message_is_deleted_only_by_its_own_button(server: TelegramServer) -> None:  # noqa: F811
    """Telegram tells of it no more than its chat and number: https://core.telegram.org/bots/api#inaccessiblemessage."""
    room = server.group()
    theirs, own = await draw(room.seat(7)), await draw(room.seat(8), f"{FROG} --seed 6")
    old = [{"chat": message["chat"], "message_id": message["message_id"], "date": 0} for message in (theirs, own)]
    assert "no longer belongs to that message" in await room.seat(8).press_data(old[0], labels(own)["Delete"])
    assert theirs["message_id"] in room.messages
    assert await room.seat(8).press_data(old[1], labels(own)["Delete"]) == "Deleted."


async def test_follow_up_pictures_are_deleted_with_the_message(server: TelegramServer) -> None:  # noqa: F811
    chat = server.private(7)
    first = await draw(chat, f"{FROG} --count 3")
    await server.until(lambda: sum("photo" in message for message in chat.room.of_bot()) == 3)
    assert await chat.press(first, "Delete") == "Deleted."
    await server.until(lambda: not chat.room.of_bot())


async def test_the_message_replied_to_is_the_input(server: TelegramServer) -> None:  # noqa: F811
    chat = server.private(7)
    first = await draw(chat)
    measured = await chat.say("/measure and more", reply_to=first)
    assert (await chat.answer(to=measured))["text"] == "512 x 512 and more"
