"""What reaches Discord when calls fail, answers are lost and messages are deleted, through the real library."""

# ruff: noqa: F401, F811  # pytest finds fixtures by their names

import pytest

from bot.adapters.discord import message as live
from bot.i18n.translate import translate
from bot.requests.service import Service
from tests.fakes import ended
from tests.servers.discord import DiscordServer, Person

from .test_discord import ana, is_final, job_of, plain_text, server, service

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
    answer = ana.slash("echo", text="done", seconds=3)
    assert plain_text(await answer.until(is_final, within=30)) == "done"


async def test_delete_says_what_it_could_not_delete_and_keeps_its_button(server: DiscordServer, ana: Person) -> None:
    answer = ana.slash("imagine", prompt="a green frog", steps=1)
    await answer.until(lambda state: "Delete" in state.buttons, within=60)
    server.trouble("DELETE", "/webhooks/*", status=403)
    ana.press("Delete", answer.message)
    await server.until(lambda: len(server.messages(ana.place)) == 2)
    told = server.messages(ana.place)[-1]
    assert told.ephemeral
    assert plain_text(told) == translate(live.NOT_DELETED)
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
