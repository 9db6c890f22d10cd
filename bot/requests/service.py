"""The whole road of a request, top to bottom."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars

from bot.app import AppContext
from bot.core.command import Answer, Confirm, Confirmed, Replied, Reply, Request
from bot.core.parsing import parse_params
from bot.jobs.lifecycle import JobLifecycle
from bot.requests import admission, confirmations, consent
from bot.requests.call import Call
from bot.requests.results import resolve_attachments
from engine.core.errors import AtelierError, EngineDied
from engine.core.job import Failed, Job, Result, Update
from engine.core.params import TaskParams
from storage.store import DuplicateRequest, Question
from storage.uploads import Held, Uploads

log = structlog.get_logger()

SHUTDOWN_GRACE_SECONDS = 5.0
"""Seconds that adapters have to tell waiting people that the studio closes."""


class Service:
    """What every adapter serves its requests through."""

    def __init__(self, studio: AppContext) -> None:
        self.studio = studio
        self.flights = studio.coalescer
        self._life = JobLifecycle(studio.store, studio.coalescer)
        self._uploads = Uploads(studio.files, studio.store.is_named)
        self._serving = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def handle(self, request: Request) -> AsyncGenerator[Update, None]:
        """Everything that happens to the request, to one Done or Failed, or to Paused where the studio closes first.

        Closing it before that cancels the job. Taking the update after the last one, which there is not, says that
        the person has been shown the last; until then a later run of the studio shows it.
        """
        with bound_contextvars(user=request.user, command=request.command):
            try:
                taken = await self._answer_or_admit(request)
            except AtelierError as error:
                log.info("refused", kind=error.kind, why=str(error))
                yield Failed.of(error)
                return
            except DuplicateRequest:
                log.info("asked already", request=request.id)
                return
            if isinstance(taken, Reply):
                yield _reply_update(taken)
                if request.id and confirmations.is_question(taken):
                    await self.studio.store.mark_as_question(request.id, confirmations.CONFIRMATION_SECONDS)
                return
            async with aclosing(self._work(*taken)) as updates:
                async for update in updates:
                    yield update

    async def check(self, request: Request) -> None:
        """Check a request of which words may still be missing, before an adapter accepts its next file.

        Raises AtelierError for what `handle` would refuse.
        """
        if not self._life.open:
            raise _closing()
        await admission.check_before_files(self.studio, request, complete=False)

    async def unfinished_jobs(self, platform: str) -> list[Job]:
        """The platform's jobs that an earlier run, or a lost connection, left: running, in line, or not shown yet."""
        jobs = [row.job for row in await self.studio.store.unfinished_jobs()]
        return [job for job in jobs if job.user.startswith(f"{platform}:") and job.id not in self._life]

    def resume(self, job: Job) -> AsyncGenerator[Update, None]:
        """The updates of a job that was left, or made with others, as `handle` gives them."""
        return self._life.resume(job)

    def detach(self, job: str) -> None:
        """The platform is lost, not the person: closing this job's updates now does not cancel it."""
        self._life.detach(job)

    async def set_origin(self, job: str, origin: str) -> None:
        """The job is shown by the message at `origin`: a later run of the studio answers there."""
        await self.studio.store.address(job, origin)

    async def close(self) -> None:
        """Take no more, tell whoever waits that it goes on later, and give the adapters a moment to show it."""
        self._life.open = False
        self.flights.pause()
        try:
            async with asyncio.timeout(SHUTDOWN_GRACE_SECONDS):
                await self._idle.wait()
        except TimeoutError:
            log.warning("closed while some were still being told")

    @contextmanager
    def track_request(self) -> Iterator[None]:
        """Around everything that an adapter does for one request, its last word to the person included."""
        self._serving += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._serving -= 1
            if not self._serving:
                self._idle.set()

    async def _answer_or_admit(self, request: Request) -> Reply | tuple[Job, Result | None]:
        """An answer that is there at once, or the job that is in the store now, with its result where that is cached.

        Raises AtelierError, and TakenBefore where the request made a job, or showed its question, already.
        """
        if request.id and await self.studio.store.is_duplicate(request.id):
            raise DuplicateRequest(request.id)
        async with self._uploads.of_request() as held:
            taken = await self._decided(request, held)
            held.kept = not isinstance(taken, Reply) or confirmations.is_question(taken)
        return taken

    async def _decided(self, request: Request, held: Held) -> Reply | tuple[Job, Result | None]:
        call, answer = await self._run(request, held)
        if isinstance(answer, Job):
            consent.check_enabled(self.studio, answer.command, request.scope)
            answer = await consent.ask_consent_first(call, answer)
        match answer:
            case Reply():
                return answer
            case Confirm():
                return await confirmations.store_question(call, answer)
            case Confirmed():
                return await self._admit_confirmed(call, answer)
            case Job():
                return answer, (await self._admit([answer], request))[0]

    async def _admit_confirmed(self, call: Call, answer: Confirmed) -> Reply | tuple[Job, Result | None]:
        first, *more = jobs = answer.jobs
        consent.check_enabled(self.studio, first.command, call.request.scope)
        results = await self._admit(jobs, call.request, answer.question)
        if not more:
            return first, results[0]
        return Reply(call.translate("{count} jobs are made.", count=len(jobs)), facts={"jobs": len(jobs)}, jobs=jobs)

    async def _run(self, request: Request, held: Held) -> tuple[Call, Answer]:
        if not self._life.open:
            raise _closing()
        command = admission.find_command(self.studio, request)
        await admission.check_before_files(self.studio, request, complete=True)
        request = await resolve_attachments(self.studio, request)
        params = await parse_params(command.params, await self._raw(request, command.params, held))
        call = Call(request, self.studio)
        return call, await command.run(call, params)

    async def _raw(self, request: Request, params: type[TaskParams], held: Held) -> dict[str, Any]:
        """The raw options with each attachment fetched."""
        accepts = {option.name: option.accepts for option in params.options()}
        fetched = {name: await held.fetch(name, file, accepts[name]) for name, file in request.files.items()}
        return {**request.raw_options, **fetched}

    async def _work(self, job: Job, cached: Result | None) -> AsyncGenerator[Update, None]:
        with bound_contextvars(job=job.id):
            log.info("queued" if cached is None else "answered from the cache", task=job.task)
            if cached is None:
                updates = self._life.run(job)
            else:
                updates = self._life.redeliver(job, job.finish_with(cached, cached=True))
            async with aclosing(updates):
                async for update in updates:
                    yield update

    async def _admit(
        self, jobs: Sequence[Job], request: Request, question: Question | None = None
    ) -> list[Result | None]:
        """Leaves room for the jobs that are under way. Raises what `Store.admit_all` does, and DiskFull."""
        admission.check_disk(self.studio)
        limits = admission.limits_of(self.studio, request, jobs[0].command)
        return await self.studio.store.admit_all(jobs, limits, question)


def _reply_update(reply: Reply) -> Replied:
    result = Result(text=reply.text, media=reply.media, facts=dict(reply.facts))
    return Replied(result=result, buttons=reply.buttons, jobs=reply.jobs)


def _closing() -> EngineDied:
    return EngineDied("The studio is closing. Ask again in a minute.")
