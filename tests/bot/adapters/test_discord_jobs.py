"""/jobs and /cancel through the real discord.py, with a loopback Discord."""

# ruff: noqa: F401, F811  # pytest finds fixtures by their names

import re
from dataclasses import replace

import pytest

from bot.requests.service import Service
from tests.fakes import paused
from tests.servers.discord import DiscordServer, Person

from .test_discord import BOSS, ana, is_final, job_of, plain_text, server, service

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_jobs_links_to_the_messages_and_lets_discord_write_the_times(service: Service, ana: Person) -> None:
    with paused(service.studio.engine):
        waiting = ana.slash("echo", text="a *bold* frog")
        job = await job_of(service, waiting)
        shown = await ana.slash("jobs").until(is_final)
        ana.press("Cancel", waiting.message)
    place = ana.place
    assert plain_text(shown).splitlines()[0] == (
        f"number 1 in the queue · /echo a *bold* frog · <t:{int(job.created)}:R>"
        f" · https://discord.com/channels/{place.guild}/{place.channel}/{waiting.message}"
    )
    assert f"https://discord.com/channels/{place.guild}/{place.channel}/{waiting.message}" in shown.content
    assert job.id not in shown.content


async def test_jobs_links_to_direct_messages_too(service: Service, server: DiscordServer, ana: Person) -> None:
    there = replace(ana, place=server.world.direct("ana"))
    with paused(service.studio.engine):
        waiting = there.slash("echo", text="between us")
        await job_of(service, waiting)
        shown = await there.slash("jobs").until(is_final)
        there.press("Cancel", waiting.message)
    assert f"https://discord.com/channels/@me/{there.place.channel}/{waiting.message}" in shown.content


async def test_a_job_in_the_list_is_cancelled_by_its_button_and_all_by_another(service: Service, ana: Person) -> None:
    with paused(service.studio.engine):
        jobs = [ana.slash("echo", text=f"frog {number}") for number in range(3)]
        for job in jobs:
            await job_of(service, job)
        listed = ana.slash("jobs")
        await listed.until(is_final)
        pressed = ana.press("Cancel: frog 1", listed.message)
        assert plain_text(await pressed.until(is_final)) == "Cancelled: /echo frog 1"
        await jobs[1].until(lambda state: "Cancelled." in state.content)
        again = await ana.press("Cancel: frog 1", listed.message).until(is_final)
        assert plain_text(again) == "⚠️ This job has already finished: /echo frog 1"
        assert plain_text(await ana.press("Cancel all", listed.message).until(is_final)) == "Cancelled 2 jobs."
    for job in jobs:
        assert plain_text(await job.until(is_final)) == "⚠️ Cancelled."
    assert re.search("You have no jobs in progress", plain_text(await ana.slash("cancel", job="all").until(is_final)))


async def test_history_turns_its_pages_in_one_message(ana: Person) -> None:
    for number in range(7):
        await ana.slash("echo", text=f"frog {number}").until(lambda state: "Delete" in state.buttons or is_final(state))
    first = ana.slash("history")
    shown = await first.until(is_final)
    assert re.findall(r"frog \d", plain_text(shown)) == ["frog 6", "frog 5", "frog 4", "frog 3", "frog 2"]
    assert list(shown.buttons)[-1] == "Older"
    ana.press("Older", first.message)
    shown = await first.until(lambda state: "Newer" in state.buttons)
    assert re.findall(r"frog \d", plain_text(shown)) == ["frog 1", "frog 0"]
    assert "Older" not in shown.buttons
    again = await ana.press("Show again: frog 0", first.message).until(is_final)
    assert plain_text(again) == "frog 0"
    ana.press("Newer", first.message)
    shown = await first.until(lambda state: "Older" in state.buttons)
    assert re.findall(r"frog \d", plain_text(shown)) == ["frog 6", "frog 5", "frog 4", "frog 3", "frog 2"]
    assert "Newer" not in shown.buttons


async def test_an_admin_sees_names_and_drops_all_jobs_of_a_person(
    service: Service, server: DiscordServer, ana: Person
) -> None:
    server.world.user("boss", BOSS)
    boss = server.person("boss", server.world.direct("boss"))
    with paused(service.studio.engine):
        jobs = [ana.slash("echo", text=f"spam {number}") for number in range(2)]
        for job in jobs:
            await job_of(service, job)
        assert f" · ana (discord:{ana.id}) · " in plain_text(await boss.slash("queue").until(is_final))
        dropped = boss.slash("queue", action="drop", user=f"discord:{ana.id}")
        assert plain_text(await dropped.until(is_final)) == f"Dropped 2 jobs of ana (discord:{ana.id})."
    for job in jobs:
        assert plain_text(await job.until(is_final)) == "⚠️ Cancelled."
