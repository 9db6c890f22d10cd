"""Questions to confirm before jobs are created. The jobs wait in the store until their user accepts them."""

import time
from collections.abc import Iterator, Sequence

from bot.core.command import Button, Confirm, Confirmed, Reply, Request
from bot.requests import consent
from bot.requests.call import Call
from bot.requests.contexts import QuestionKeeper
from bot.requests.results import rebuild_job
from engine.core.errors import BadInput, NotAllowed
from engine.core.job import Job
from storage.store import Question

CONFIRMATION_SECONDS = 24 * 3600.0
"""Seconds after which a question can no longer be answered."""


async def store_question(call: Call[QuestionKeeper], ask: Confirm) -> Reply:
    """Store the question's jobs and return it as a reply. Jobs `3f9a`, `3f9a-2`, … make the question `3f9a`."""
    name = ask.job.id
    more = (job.model_copy(update={"id": f"{name}-{place}"}) for place, job in enumerate(ask.also_jobs, 2))
    await call.studio.store.add_question(Question((ask.job, *more), time.time() + CONFIRMATION_SECONDS))
    buttons = (Button(ask.accept_label, "yes", name), Button(call.translate("No, cancel"), "no", name))
    return Reply(ask.text, ask.media, {**ask.facts, "ask": name}, buttons)


def is_question(reply: Reply) -> bool:
    """Return whether the reply is a question that `store_question` made."""
    return "ask" in reply.facts


async def accept(call: Call[QuestionKeeper], name: str) -> Confirmed:
    """Return the question's jobs, rebuilt for today's models, and record the user's consent if it asked for that.

    Raises BadInput if the question is closed, NotAllowed if somebody else was asked.
    """
    question = await load_own_question(call, name)
    await consent.record_consent(call.studio, question.jobs[0])
    jobs = [await _rebuild(call, job) for job in question.jobs]
    in_place = len(jobs) == 1 and not call.request.answers_elsewhere
    return Confirmed(question, tuple(jobs if in_place else _separate_messages(call.request, jobs)))


async def is_public_question(studio: QuestionKeeper, button: str) -> bool:
    """Return whether the button answers an open question whose jobs were asked for where others may see them."""
    question = await studio.store.get_question(button.partition(":")[2])
    return question is not None and not question.jobs[0].private


async def load_own_question(call: Call[QuestionKeeper], name: str) -> Question:
    """Return the open question if this user was asked. Raises as `accept` does."""
    question = await call.studio.store.get_question(name)
    if question is None:
        if await call.studio.store.job(name):
            raise BadInput("This was answered already: see job {job}.", job=name)
        raise BadInput("This question has expired or was already answered. Send your request again.")
    if question.jobs[0].user != call.request.user:
        raise NotAllowed("Only the person who asked can answer this.")
    return question


async def _rebuild(call: Call[QuestionKeeper], job: Job) -> Job:
    """Return the job for today's model. A seed that the user did not choose stays open."""
    open_seed = {"seed": None} if job.repeat_key else {}
    return (await rebuild_job(call, job, **open_seed)).model_copy(update={"id": job.id, "notes": job.notes})


def _separate_messages(request: Request, jobs: Sequence[Job]) -> Iterator[Job]:
    """Yield the jobs, each with a message of its own.

    A request id belongs to one job, so that a request is not served twice. Further jobs add their place to it.
    """
    for place, job in enumerate(jobs, 1):
        request_id = request.id and (request.id if place == 1 else f"{request.id}/{place}")
        yield job.model_copy(update={"origin": request.new_message_origin or request.origin, "request": request_id})
