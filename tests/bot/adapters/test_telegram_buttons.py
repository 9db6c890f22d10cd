"""Buttons under a result through the real Telegram library, against a Bot API server on loopback."""

from bot.commands import COMMANDS
from bot.requests.service import Service
from storage.store import JobRecord
from tests.bot.adapters.test_telegram import (  # noqa: F401  # fixtures
    Serve,
    bare,
    engine,
    labels,
    over,
    png,
    pytestmark,
    server,
    service,
    serving,
)
from tests.servers.telegram import Json, TelegramServer
from tests.servers.telegram.chats import Seat

FROG = "/imagine a green frog --steps 1"


async def drawn(chat: Seat, line: str = FROG) -> Json:
    """The bot's message with the picture and the buttons."""
    return await chat.answer(to=await chat.say(line), when=over, within=60)


async def made_of(chat: Seat, message: Json) -> Json:
    """What the press of a button of `message` made."""
    return await chat.answer(to=message, when=over, within=60)


async def row_of(service: Service, message: Json) -> JobRecord:  # noqa: F811  # a fixture's name
    row = await service.studio.store.job(labels(message)["Delete"].removeprefix("delete:"))
    assert row is not None
    return row


async def test_buttons_fit_telegram_whatever_the_command(server: TelegramServer) -> None:  # noqa: F811
    answer = await drawn(server.private(7))
    assert list(labels(answer)) == ["Again", "Vary", "Upscale", "Animate", "Delete"]
    assert all(len(f"{each.name}:{'f' * 10}.99".encode()) <= 64 for each in COMMANDS)


async def test_again_and_vary_make_new_ones(server: TelegramServer, service: Service) -> None:  # noqa: F811
    chat = server.private(7)
    first = await drawn(chat)
    await chat.press(first, "Again")
    again = await made_of(chat, first)
    await chat.press(again, "Vary")
    varied = await made_of(chat, again)
    rows = [await row_of(service, message) for message in (first, again, varied)]
    assert len({row.job.params["seed"] for row in rows}) == 3
    made = rows[1].result
    assert made is not None
    assert rows[2].job.params["image"]["sha256"] == made.media[0].sha256


async def test_buttons_work_after_a_restart(bare: TelegramServer, serving: Serve) -> None:  # noqa: F811
    chat = bare.private(7)
    async with serving(bare.origin, bare.token):
        first = await drawn(chat)
    async with serving(bare.origin, bare.token):
        await chat.press(first, "Again")
        assert "photo" in await made_of(chat, first)


async def test_a_picture_that_is_no_longer_kept_is_taken_from_its_message(
    server: TelegramServer,  # noqa: F811
    service: Service,  # noqa: F811
) -> None:
    chat = server.private(7)
    first = await drawn(chat)
    made = (await row_of(service, first)).result
    assert made is not None
    made.media[0].path.unlink()
    await chat.press(first, "Vary")
    assert (await row_of(service, await made_of(chat, first))).job.params["image"]["width"] == 512


async def test_only_its_owner_deletes_it(server: TelegramServer, service: Service) -> None:  # noqa: F811
    room = server.group()
    first = await drawn(room.seat(7))
    row = await row_of(service, first)
    assert row.result is not None
    assert "Only the person who asked" in await room.seat(8).press(first, "Delete")
    assert first["message_id"] in room.messages
    assert await room.seat(7).press(first, "Delete") == "Deleted."
    await server.until(lambda: first["message_id"] not in room.messages)
    assert not row.result.media[0].path.exists()


async def test_a_forged_press_takes_no_message_of_another_away(server: TelegramServer, service: Service) -> None:  # noqa: F811
    room = server.group()
    theirs, own = await drawn(room.seat(7)), await drawn(room.seat(8), f"{FROG} --seed 5")
    forged = labels(own)["Delete"]
    assert await room.seat(8).press_data(theirs, forged) == "This button no longer belongs to that message."
    assert theirs["message_id"] in room.messages
    result = (await row_of(service, own)).result
    assert result is not None
    assert result.media, "nothing was done"
    said = await room.seat(7).say("/jobs")
    assert await room.seat(8).press_data(said, forged) == "This button no longer belongs to that message."


async def test_a_forged_yes_replaces_no_message_of_another(server: TelegramServer) -> None:  # noqa: F811
    room = server.group()
    theirs = await drawn(room.seat(7))
    asked = await room.seat(8).answer(to=await room.seat(8).say("/imagine {red|blue} frog --steps 1"))
    for button in ("yes", "no"):
        data = next(data for data in labels(asked).values() if data.startswith(f"{button}:"))
        assert "no longer belongs to that message" in await room.seat(8).press_data(theirs, data)
    assert room.messages[theirs["message_id"]] == theirs


async def test_an_old_message_is_deleted_by_its_own_button_alone(server: TelegramServer) -> None:  # noqa: F811
    """Telegram tells of it no more than its chat and number: https://core.telegram.org/bots/api#inaccessiblemessage."""
    room = server.group()
    theirs, own = await drawn(room.seat(7)), await drawn(room.seat(8), f"{FROG} --seed 6")
    old = [{"chat": message["chat"], "message_id": message["message_id"], "date": 0} for message in (theirs, own)]
    assert "no longer belongs to that message" in await room.seat(8).press_data(old[0], labels(own)["Delete"])
    assert theirs["message_id"] in room.messages
    assert await room.seat(8).press_data(old[1], labels(own)["Delete"]) == "Deleted."


async def test_pictures_beside_the_message_go_with_it(server: TelegramServer) -> None:  # noqa: F811
    chat = server.private(7)
    first = await drawn(chat, f"{FROG} --count 3")
    await server.until(lambda: sum("photo" in message for message in chat.room.of_bot()) == 3)
    assert await chat.press(first, "Delete") == "Deleted."
    await server.until(lambda: not chat.room.of_bot())


async def test_what_a_person_answers_is_the_input(server: TelegramServer) -> None:  # noqa: F811
    chat = server.private(7)
    first = await drawn(chat)
    measured = await chat.say("/measure and more", reply_to=first)
    assert (await chat.answer(to=measured))["text"] == "512 x 512 and more"
