"""Questions before a job is made: the job waits in the store for its person's yes."""

import time
from collections.abc import AsyncIterator
from itertools import count

from bot import consent
from bot.command import Ask, Button, Call, Reply
from bot.results import remade
from engine.errors import BadInput, NotAllowed
from engine.job import Job

OPEN = 24 * 3600.0
"""Seconds that a question may be answered."""


async def asked(call: Call, ask: Ask) -> Reply:
    """The question as a reply, its jobs kept in the store: several as `3f9a-1`, `3f9a-2` under the name `3f9a`."""
    until, jobs = time.time() + OPEN, [ask.job, *ask.more]
    if ask.more:
        jobs = [job.model_copy(update={"id": f"{ask.job.id}-{place}"}) for place, job in enumerate(jobs, 1)]
    for job in jobs:
        await call.studio.store.ask(job, until)
    buttons = (Button(ask.yes, "yes", ask.job.id), Button(call.say("Leave it"), "no", ask.job.id))
    return Reply(ask.text, ask.media, {**ask.facts, "ask": ask.job.id}, buttons)


async def agreed(call: Call, job_id: str) -> Job | Reply:
    """The job that the person now agrees to; the store takes it once. Of several each is then agreed to by itself.

    Raises BadInput where the question is closed, NotAllowed where it was asked of somebody else.
    """
    job, *more = await own(call, job_id)
    if more:
        then = tuple(f"yes:{each.id}" for each in (job, *more))
        return Reply(call.say("{count} jobs are made.", count=len(then)), facts={"jobs": len(then)}, then=then)
    await consent.given(call.studio, job)
    return (await remade(call, job)).model_copy(update={"id": job.id, "notes": job.notes})


async def own(call: Call, job_id: str) -> list[Job]:
    """The jobs of an open question to this person. Raises as `agreed` does."""
    alone = await call.studio.store.asked(job_id)
    jobs = [alone] if alone else [job async for job in _several(call, job_id)]
    if not jobs:
        raise BadInput("This question is closed. Ask for it again.")
    if jobs[0].user != call.request.user:
        raise NotAllowed("Only who asked for it may answer this.")
    return jobs


async def _several(call: Call, name: str) -> AsyncIterator[Job]:
    for place in count(1):
        job = await call.studio.store.asked(f"{name}-{place}")
        if job is None:
            return
        yield job
