"""Questions before jobs are made: the jobs wait in the store for their person's yes."""

import time
from collections.abc import Iterator, Sequence

from bot.core.command import Button, Confirm, Confirmed, Reply, Request
from bot.requests import consent
from bot.requests.call import Call
from bot.requests.results import rebuild_job
from engine.core.errors import BadInput, NotAllowed
from engine.core.job import Job
from storage.store import Question

CONFIRMATION_SECONDS = 24 * 3600.0
"""Seconds that a question may be answered."""


async def store_question(call: Call, ask: Confirm) -> Reply:
    """The question as a reply, its jobs kept in the store: `3f9a`, which names it, then `3f9a-2`, `3f9a-3`."""
    name = ask.job.id
    more = (job.model_copy(update={"id": f"{name}-{place}"}) for place, job in enumerate(ask.also_jobs, 2))
    await call.studio.store.add_question(Question((ask.job, *more), time.time() + CONFIRMATION_SECONDS))
    buttons = (Button(ask.accept_label, "yes", name), Button(call.translate("Leave it"), "no", name))
    return Reply(ask.text, ask.media, {**ask.facts, "ask": name}, buttons)


def is_question(reply: Reply) -> bool:
    return "ask" in reply.facts


async def accept(call: Call, name: str) -> Confirmed:
    """The jobs that the person now agrees to; the store takes all of them, once.

    Raises BadInput where the question is closed, NotAllowed where it was asked of somebody else.
    """
    question = await load_own_question(call, name)
    await consent.record_consent(call.studio, question.jobs[0])
    jobs = [await _rebuild(call, job) for job in question.jobs]
    return Confirmed(question, tuple(jobs) if len(jobs) == 1 else tuple(_separate_messages(call.request, jobs)))


async def load_own_question(call: Call, name: str) -> Question:
    """The open question to this person. Raises as `accept` does."""
    question = await call.studio.store.get_question(name)
    if question is None:
        if await call.studio.store.job(name):
            raise BadInput("This was answered already: it is job {job}.", job=name)
        raise BadInput("This question is closed. Ask for it again.")
    if question.jobs[0].user != call.request.user:
        raise NotAllowed("Only who asked for it may answer this.")
    return question


async def _rebuild(call: Call, job: Job) -> Job:
    return (await rebuild_job(call, job)).model_copy(update={"id": job.id, "notes": job.notes})


def _separate_messages(request: Request, jobs: Sequence[Job]) -> Iterator[Job]:
    """Each in a message of its own. A request makes one job, so the others have names within it."""
    for place, job in enumerate(jobs, 1):
        made_by = request.id and (request.id if place == 1 else f"{request.id}/{place}")
        yield job.model_copy(update={"origin": request.new_message_origin or request.origin, "request": made_by})
