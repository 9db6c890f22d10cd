"""Questions before a job is made: the job waits in the store for its person's yes."""

import time

from bot import consent
from bot.command import Ask, Button, Call, Reply
from bot.results import remade
from engine.errors import BadInput, NotAllowed
from engine.job import Job

OPEN = 24 * 3600.0
"""Seconds that a question may be answered."""


async def asked(call: Call, ask: Ask) -> Reply:
    """The question as a reply, its job kept in the store."""
    await call.studio.store.ask(ask.job, time.time() + OPEN)
    buttons = (Button(ask.yes, "yes", ask.job.id), Button(call.say("Leave it"), "no", ask.job.id))
    return Reply(ask.text, ask.media, {**ask.facts, "ask": ask.job.id}, buttons)


async def agreed(call: Call, job_id: str) -> Job:
    """The job that the person now agrees to; the store takes it once.

    Raises BadInput where the question is closed, NotAllowed where it was asked of somebody else.
    """
    job = await own(call, job_id)
    await consent.given(call.studio, job)
    return (await remade(call, job)).model_copy(update={"id": job.id})


async def own(call: Call, job_id: str) -> Job:
    """The job of an open question to this person. Raises as `agreed` does."""
    job = await call.studio.store.asked(job_id)
    if job is None:
        raise BadInput("This question is closed. Ask for it again.")
    if job.user != call.request.user:
        raise NotAllowed("Only who asked for it may answer this.")
    return job
