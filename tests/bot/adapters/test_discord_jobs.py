"""/jobs and /cancel through the real discord.py, with a loopback Discord."""

# ruff: noqa: F401, F811  # pytest finds fixtures by their names

import re
from dataclasses import replace

import pytest

from bot.requests.service import Service
from tests.fakes import paused
from tests.servers.discord import DiscordServer, Person

from .test_discord import ana, is_final, job_of, plain_text, server, service

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
