"""What reaches Discord when calls fail, answers are lost and messages are deleted, through the real library."""

# ruff: noqa: F401, F811  # pytest finds fixtures by their names

from dataclasses import replace

import pytest

from bot.adapters.discord import message as live
from bot.adapters.discord.audience import NOT_DELETED
from bot.adapters.discord.origin import origin_of
from bot.i18n.translate import translate
from bot.requests.service import Service
from tests.fakes import echo as fake_echo
from tests.fakes import ended
from tests.servers.discord import DiscordServer, Person
from tests.servers.discord.history import EPHEMERAL

from .test_discord import ana, is_final, job_of, plain_text, running, server, service

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_job_whose_message_was_deleted_is_cancelled(
    service: Service, server: DiscordServer, ana: Person
) -> None:
    answer = ana.slash("echo", text="deleted", seconds=60)
    job = await job_of(service, answer)
    server.backend.delete_message(ana.place.channel, answer.message)
    assert (await ended(service.studio.store, job.id, 20)).state == "cancelled"
    assert not len(service.coalescer)
    assert plain_text(await ana.slash("echo", text="next").until(is_final)) == "next"


@pytest.mark.parametrize("status", [429, 502], ids=["a 429", "a 5xx"])
async def test_trouble_with_progress_does_not_delay_the_result(
    server: DiscordServer, ana: Person, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(live, "SKIP_SECONDS", 0.1)
    server.trouble("PATCH", "/webhooks/*", status=status, retry_after=600, times=100, words="▱")
    answer = ana.slash("echo", text=f"done, {status}", seconds=3)
    assert plain_text(await answer.until(is_final, within=30)) == f"done, {status}"


async def test_delete_says_what_it_could_not_delete_and_keeps_its_button(server: DiscordServer, ana: Person) -> None:
    answer = ana.slash("imagine", prompt="a green frog", steps=1)
    await answer.until(lambda state: "Delete" in state.buttons, within=60)
    server.trouble("DELETE", "/webhooks/*", status=403)
    ana.press("Delete", answer.message)
    await server.until(lambda: len(server.messages(ana.place)) == 2)
    told = server.messages(ana.place)[-1]
    assert told.ephemeral
    assert plain_text(told) == translate(NOT_DELETED)
    assert "Delete" in answer.now.buttons
    ana.press("Delete", answer.message)
    await server.until(lambda: answer.message not in server.backend.messages[ana.place.channel])


async def test_delete_is_content_with_a_message_that_is_gone(server: DiscordServer, ana: Person) -> None:
    answer = ana.slash("imagine", prompt="a green frog", steps=1)
    await answer.until(lambda state: "Delete" in state.buttons, within=60)
    pressed = ana.press("Delete", answer.message)
    server.backend.delete_message(ana.place.channel, answer.message)
    await pressed.acknowledged()
    await server.until(lambda: any(sent.method == "DELETE" for sent in server.rest.requests))
    assert plain_text(await ana.slash("echo", text="next").until(is_final)) == "next"
    assert len(server.messages(ana.place)) == 1


async def test_a_job_in_a_private_channel_goes_on_after_a_restart(service: Service, server: DiscordServer) -> None:
    ana = server.person("ana", server.world.group("ana", "bo"))
    closing = Service(service.studio)
    async with running(closing, server):
        answer = ana.slash("echo", text="later", seconds=4)
        job = await job_of(service, answer)
        await closing.close()
    assert await service.studio.store.reply_token(job.id)
    async with running(Service(service.studio), server):
        await ended(service.studio.store, job.id, 30)
        assert plain_text(answer.now) == "later"
    assert await service.studio.store.reply_token(job.id) is None, "it is kept only while the job lives"
    assert len(server.messages(ana.place)) == 1


@pytest.mark.parametrize("where", ["group", "foreign_guild"])
async def test_a_result_goes_to_the_person_where_the_channel_is_closed_to_the_bot(
    service: Service, server: DiscordServer, ana: Person, where: str
) -> None:
    place = server.world.group("ana", "bo") if where == "group" else server.world.foreign_guild()
    direct = server.world.direct("ana")
    answer = replace(ana, place=place).slash("echo", text=f"at last, {where}", seconds=2)
    job = await job_of(service, answer)
    server.backend.clock.advance(15 * 60)
    server.lose_answer("POST", f"/channels/{direct.channel}/messages")
    row = await ended(service.studio.store, job.id, 30)
    assert [plain_text(shown) for shown in server.messages(direct)] == [f"at last, {where}"]
    assert row.job.origin.startswith(f"{direct.channel}/")


async def test_a_result_for_one_person_is_not_posted_in_the_channel(service: Service, server: DiscordServer) -> None:
    place, direct = server.world.guild(), server.world.direct("ana")
    user = server.world.user("ana")
    message = server.backend.create_message(place.channel, server.backend.bot_user.id, "working", flags=EPHEMERAL)
    job = fake_echo(f"discord:{user}", text="for ana").model_copy(
        update={"origin": origin_of(place.channel, message.id), "private": True}
    )
    await service.studio.store.admit(job)
    async with running(Service(service.studio), server):
        assert (await ended(service.studio.store, job.id, 20)).state == "done"
    assert [plain_text(shown) for shown in server.messages(direct)] == ["for ana"]
    assert [shown.content for shown in server.messages(place)] == ["working"]


async def test_a_result_is_shown_without_its_files_where_they_are_forbidden(
    server: DiscordServer, service: Service, ana: Person
) -> None:
    server.trouble("PATCH", f"/channels/{ana.place.channel}/messages/*", status=403, times=100, words="filename")
    answer = ana.slash("imagine", prompt="a green frog", steps=1)
    await job_of(service, answer)
    server.backend.clock.advance(15 * 60)
    shown = await answer.until(is_final, within=60)
    assert plain_text(shown).endswith(translate(live.NO_FILES_ALLOWED))
    assert "Again" in shown.buttons


async def test_a_press_on_a_dead_card_shows_the_result_there(
    service: Service, server: DiscordServer, ana: Person
) -> None:
    there = replace(ana, place=server.world.group("ana", "bo"))
    server.rest.refuse_direct(server.world.direct("ana").channel)
    answer = there.slash("echo", text="kept for ana", seconds=2)
    job = await job_of(service, answer)
    server.backend.clock.advance(15 * 60)
    await ended(service.studio.store, job.id, 30)
    assert "Cancel" in answer.now.buttons, "nothing could reach the card"
    there.press("Cancel", answer.message)
    await server.until(lambda: plain_text(server.history.states[answer.message][-1]) == "kept for ana")


async def test_a_press_on_the_dead_card_of_a_cancelled_job_says_so(
    service: Service, server: DiscordServer, ana: Person
) -> None:
    there = replace(ana, place=server.world.group("ana", "bo"))
    server.rest.refuse_direct(server.world.direct("ana").channel)
    answer = there.slash("echo", text="never", seconds=60)
    job = await job_of(service, answer)
    server.backend.clock.advance(15 * 60)
    await there.slash("cancel", job=job.id).until(is_final)
    await ended(service.studio.store, job.id, 30)
    there.press("Cancel", answer.message)
    await server.until(lambda: plain_text(server.history.states[answer.message][-1]) == "⚠️ Cancelled.")


async def test_jobs_shows_finished_results_again(ana: Person) -> None:
    drawn = ana.slash("imagine", prompt="a purple frog", steps=1)
    await drawn.until(lambda state: "Again" in state.buttons, within=60)
    listed = ana.slash("jobs")
    assert "/imagine a purple frog" in plain_text(await listed.until(is_final))
    again = await ana.press("Show again: a purple frog", listed.message).until(is_final)
    assert again.ephemeral
    assert (again.files[0].data, again.buttons) == (drawn.now.files[0].data, drawn.now.buttons)


async def test_a_picture_is_sent_directly_also_when_the_first_attempt_is_lost(
    service: Service, server: DiscordServer, ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.adapters.discord.route.RETRY_SECONDS", 0.01)
    there, direct = replace(ana, place=server.world.group("ana", "bo")), server.world.direct("ana")
    server.lose_answer("POST", f"/channels/{direct.channel}/messages")
    answer = there.slash("imagine", prompt="a grey frog", steps=1)
    job = await job_of(service, answer)
    server.backend.clock.advance(15 * 60)
    await ended(service.studio.store, job.id)
    (shown,) = server.messages(direct)
    assert shown.files
    assert "Again" in shown.buttons


@pytest.mark.parametrize("arrived", [True, False], ids=["only the answer was lost", "the deferral was lost"])
async def test_a_command_is_served_though_its_deferral_was_not_confirmed(
    server: DiscordServer, ana: Person, arrived: bool
) -> None:
    if arrived:
        server.lose_answer("POST", "/interactions/*")
    else:
        server.rest.cut.add("POST")
    answer = ana.slash("echo", text=f"served, {arrived}")
    await answer.until(lambda state: plain_text(state) == f"served, {arrived}")
    assert len(server.messages(ana.place)) == 1


@pytest.mark.parametrize("arrived", [True, False], ids=["only the answer was lost", "the refusal was lost"])
async def test_a_refusal_that_was_not_confirmed_is_shown_once(
    server: DiscordServer, ana: Person, arrived: bool
) -> None:
    if arrived:
        server.lose_answer("POST", "/interactions/*")
    else:
        server.rest.cut.add("POST")
    answer = ana.slash("imagine", prompt="   ")
    shown = await answer.until(lambda state: state.content.startswith("⚠️"))
    assert shown.ephemeral
    assert plain_text(await ana.slash("echo", text="next").until(lambda state: "next" in state.content)) == "next"
    assert len(server.messages(ana.place)) == 2
