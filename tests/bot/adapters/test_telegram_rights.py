"""Who rules a Telegram group, and who rules the studio, through the real library."""

# ruff: noqa: F401, F811  # pytest finds fixtures by their names

import pytest

from bot.requests.service import Service
from storage.store import JobRecord
from tests.fakes import ended
from tests.servers.telegram import Json, Seat, TelegramServer

from .test_telegram import engine, idle_server, is_final, labels, server, service, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def start_slow_job(seat: Seat, service: Service) -> tuple[Json, JobRecord]:
    """Return the message that shows a job which runs for a minute, and the job."""
    asked = await seat.say("/echo slow --seconds 60")
    live = await seat.answer(to=asked, when=lambda answer: not is_final(answer))
    row = await service.studio.store.job(labels(live)["Cancel"].partition(":")[2])
    assert row is not None
    return live, row


async def test_a_group_admin_cancels_the_jobs_of_that_group(server: TelegramServer, service: Service) -> None:
    room = server.group()
    live, row = await start_slow_job(room.seat(7), service)
    bo = room.seat(8, name="Bo")
    assert "someone else" in await bo.press(live, "Cancel")
    bo.promote()
    assert "Cancelled: /echo" in await bo.press(live, "Cancel")
    assert (await ended(service.studio.store, row.job.id)).state == "cancelled"


async def test_a_group_admin_has_no_rights_elsewhere(server: TelegramServer, service: Service) -> None:
    live, row = await start_slow_job(server.group().seat(7), service)
    elsewhere = server.group("Elsewhere").seat(8, name="Bo")
    elsewhere.promote()
    asked = await elsewhere.say(f"/cancel {row.job.id}")
    assert "someone else" in (await elsewhere.answer(to=asked))["text"]
    asked = await elsewhere.say("/cache clear")
    assert "Only admins" in (await elsewhere.answer(to=asked))["text"]
    await live_owner(server, live).press(live, "Cancel")
    await ended(service.studio.store, row.job.id)


def live_owner(server: TelegramServer, live: Json) -> Seat:
    return server.rooms[live["chat"]["id"]].seat(7)


async def test_a_group_admin_deletes_results_in_that_group(server: TelegramServer) -> None:
    room = server.group()
    asked = await room.seat(7).say("/imagine a cat --steps 1")
    shown = await room.seat(7).answer(to=asked, when=lambda message: "Delete" in labels(message), within=60)
    bo = room.seat(8, name="Bo")
    assert "Only the person who asked" in await bo.press(shown, "Delete")
    bo.promote()
    await bo.press(shown, "Delete")
    await server.until(lambda: shown["message_id"] not in room.messages or None)


async def test_an_anonymous_admin_rules_the_group(server: TelegramServer, service: Service) -> None:
    room = server.group()
    _, row = await start_slow_job(room.seat(7), service)
    hidden = room.seat(1087968824, name="Group")
    await hidden.say(f"/cancel {row.job.id}", as_group=True)
    assert (await ended(service.studio.store, row.job.id)).state == "cancelled"


async def test_admins_that_telegram_does_not_name_have_no_rights(server: TelegramServer, service: Service) -> None:
    room = server.group()
    live, row = await start_slow_job(room.seat(7), service)
    bo = room.seat(8, name="Bo")
    bo.promote()
    server.fail("getChatAdministrators", 400)
    assert "someone else" in await bo.press(live, "Cancel")
    assert "Cancelled: /echo" in await bo.press(live, "Cancel")
    assert (await ended(service.studio.store, row.job.id)).state == "cancelled"


async def test_a_group_admin_turns_a_command_off_in_that_group_alone(server: TelegramServer) -> None:
    room = server.group()
    ana, bo = room.seat(7), room.seat(8, name="Bo")
    refused = await ana.answer(to=await ana.say("/commands off imagine"))
    assert "Only those who manage" in refused["text"]
    bo.promote()
    shown = await bo.answer(to=await bo.say("/commands off imagine"))
    assert shown["text"].endswith("Off: /imagine")
    refused = await ana.answer(to=await ana.say("/imagine a cat"))
    assert refused["text"] == "⚠️ /imagine is turned off here."
    alone = server.private(7)
    shown = await alone.answer(to=await alone.say("/imagine a cat --steps 1"), when=is_drawn, within=60)
    await bo.answer(to=await bo.say("/commands on imagine"))
    assert await ana.answer(to=await ana.say("/imagine a cat --steps 1"), when=is_drawn, within=60) != shown


def is_drawn(message: Json) -> bool:
    return "Again" in labels(message)


async def test_commands_names_what_can_be_turned_off(server: TelegramServer) -> None:
    seat = server.group().seat(7)
    seat.promote()
    refused = await seat.answer(to=await seat.say("/commands off help"))
    assert refused["text"].startswith("⚠️ name is “help”. Give a command that can be turned off: imagine")
    alone = server.private(7)
    assert "servers and groups only" in (await alone.answer(to=await alone.say("/commands")))["text"]
