"""Questions before jobs are made: the jobs wait in the store for their person's yes."""

import time
from collections.abc import Iterator, Sequence

from bot.core.command import Agreed, Ask, Button, Reply, Request
from bot.requests import consent
from bot.requests.call import Call
from bot.requests.results import remade
from engine.core.errors import BadInput, NotAllowed
from engine.core.job import Job
from storage.store import Question

OPEN = 24 * 3600.0
"""Seconds that a question may be answered."""


async def asked(call: Call, ask: Ask) -> Reply:
    """The question as a reply, its jobs kept in the store: `3f9a`, which names it, then `3f9a-2`, `3f9a-3`."""
    name = ask.job.id
    more = (job.model_copy(update={"id": f"{name}-{place}"}) for place, job in enumerate(ask.more, 2))
    await call.studio.store.ask(Question((ask.job, *more), time.time() + OPEN))
    buttons = (Button(ask.yes, "yes", name), Button(call.say("Leave it"), "no", name))
    return Reply(ask.text, ask.media, {**ask.facts, "ask": name}, buttons)


def is_question(reply: Reply) -> bool:
    return "ask" in reply.facts


async def agreed(call: Call, name: str) -> Agreed:
    """The jobs that the person now agrees to; the store takes all of them, once.

    Raises BadInput where the question is closed, NotAllowed where it was asked of somebody else.
    """
    question = await own(call, name)
    await consent.given(call.studio, question.jobs[0])
    jobs = [await _anew(call, job) for job in question.jobs]
    return Agreed(question, tuple(jobs) if len(jobs) == 1 else tuple(_apart(call.request, jobs)))


async def own(call: Call, name: str) -> Question:
    """The open question to this person. Raises as `agreed` does."""
    question = await call.studio.store.asked(name)
    if question is None:
        if await call.studio.store.job(name):
            raise BadInput("This was answered already: it is job {job}.", job=name)
        raise BadInput("This question is closed. Ask for it again.")
    if question.jobs[0].user != call.request.user:
        raise NotAllowed("Only who asked for it may answer this.")
    return question


async def _anew(call: Call, job: Job) -> Job:
    return (await remade(call, job)).model_copy(update={"id": job.id, "notes": job.notes})


def _apart(request: Request, jobs: Sequence[Job]) -> Iterator[Job]:
    """Each in a message of its own. A request makes one job, so the others have names within it."""
    for place, job in enumerate(jobs, 1):
        made_by = request.id and (request.id if place == 1 else f"{request.id}/{place}")
        yield job.model_copy(update={"origin": request.beside or request.origin, "request": made_by})
