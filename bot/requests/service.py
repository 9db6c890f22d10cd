"""The path of a request, from top to bottom: look up, check, download files, run the command, admit the jobs."""

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
from bot.requests.names import remember_name
from bot.requests.prompt_flags import add_notes, read_flags
from bot.requests.results import change_seed, resolve_attachments
from engine.core.errors import AtelierError, EngineDied
from engine.core.job import Done, Failed, Job, Result, Update
from engine.core.params import TaskParams
from storage.store import DuplicateRequest, Question, SeenBefore
from storage.uploads import RequestFiles, Uploads

log = structlog.get_logger()

SHUTDOWN_GRACE_SECONDS = 5.0
"""Seconds that adapters have at shutdown to tell waiting users that the studio is restarting."""


class Service:
    """Serves the requests of every adapter. It also resumes the jobs that an earlier process left unfinished."""

    def __init__(self, studio: AppContext) -> None:
        self.studio = studio
        self.coalescer = studio.coalescer
        self._lifecycle = JobLifecycle(studio.store, studio.coalescer, studio.limit_gate)
        self._uploads = Uploads(studio.files, studio.store.is_referenced)
        self._serving = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def handle(self, request: Request) -> AsyncGenerator[Update, None]:
        """Yield the request's updates. The last one is Done or Failed, or Paused if the studio shuts down first.

        Closing the iterator earlier cancels the job. Exhausting it acknowledges that the last update was shown;
        otherwise the next process delivers it again.
        """
        with bound_contextvars(user=request.user, command=request.command):
            try:
                admitted = await self._answer_or_admit(request)
            except AtelierError as error:
                log.info("refused", kind=error.kind, why=str(error))
                yield Failed.of(error)
                return
            except DuplicateRequest:
                log.info("duplicate request ignored", request=request.id)
                return
            if isinstance(admitted, Reply):
                yield _reply_update(admitted)
                if request.id and confirmations.is_question(admitted):
                    await self.studio.store.mark_as_question(request.id, confirmations.CONFIRMATION_SECONDS)
                return
            job, cached = admitted
            with bound_contextvars(job=job.id):
                log.info("queued" if cached is None else "answered from the cache", task=job.task)
                async with aclosing(self._run_or_deliver(job, cached)) as updates:
                    async for update in updates:
                        yield update

    async def check(self, request: Request, *, complete: bool = False) -> None:
        """Check a request, whose words may be incomplete unless it is `complete`, before an adapter accepts its files.

        Raises the AtelierError with which `handle` would refuse it.
        """
        if not self._lifecycle.open:
            raise _shutdown_error()
        command = await admission.find_command(self.studio, request)
        request, _ = read_flags(command, request)
        if complete:
            command.params.check_words(request.raw_options, request.files.keys(), complete=True)
        await admission.check_before_files(self.studio, request, complete=complete)

    async def unfinished_jobs(self, platform: str) -> list[Job]:
        """Return the platform's jobs that were left queued, running or undelivered."""
        jobs = [row.job for row in await self.studio.store.unfinished_jobs()]
        return [job for job in jobs if job.user.startswith(f"{platform}:") and job.id not in self._lifecycle]

    def resume(self, job: Job) -> AsyncGenerator[Update, None]:
        """Yield the updates of a job without a request: one left unfinished, or one created along with others."""
        return self._lifecycle.resume(job)

    def detach(self, job: str) -> None:
        """Let the job go on when its updates are closed, because the platform was lost and not the user."""
        self._lifecycle.detach(job)

    async def set_origin(self, job: str, origin: str) -> None:
        """Record that the message at `origin` shows the job, so that a later process answers there."""
        await self.studio.store.set_origin(job, origin)

    async def close(self) -> None:
        """Refuse new requests, pause the jobs, and wait up to SHUTDOWN_GRACE_SECONDS for adapters to say so."""
        self._lifecycle.open = False
        self.studio.limit_gate.pause()
        self.coalescer.pause()
        try:
            async with asyncio.timeout(SHUTDOWN_GRACE_SECONDS):
                await self._idle.wait()
        except TimeoutError:
            log.warning("shutdown grace period ended before every user was told")

    @contextmanager
    def track_request(self) -> Iterator[None]:
        """Keep `close` waiting while an adapter works on one request, until its last message has been sent."""
        self._serving += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._serving -= 1
            if not self._serving:
                self._idle.set()

    async def _answer_or_admit(self, request: Request) -> Reply | tuple[Job, Result | None]:
        """Return an immediate answer, or the job as it was stored, with its result if that is cached.

        Raises AtelierError, and DuplicateRequest if the request has already created a job or shown its question.
        """
        if request.id and await self.studio.store.is_duplicate(request.id):
            raise DuplicateRequest(request.id)
        async with self._uploads.of_request() as held:
            admitted = await self._run_and_admit(request, held)
            held.kept = not isinstance(admitted, Reply) or confirmations.is_question(admitted)
        return admitted

    async def _run_and_admit(self, request: Request, held: RequestFiles) -> Reply | tuple[Job, Result | None]:
        call, answer = await self._run_command(request, held)
        if isinstance(answer, Job):
            await consent.check_enabled(self.studio, answer.command, request.scope)
            answer = await consent.ask_consent_first(call, answer)
        match answer:
            case Reply():
                return answer
            case Confirm():
                return await confirmations.store_question(call, answer)
            case Confirmed():
                return await self._admit_confirmed(call, answer)
            case Job():
                (admitted,) = await self._admit(call, [answer])
                return admitted

    async def _admit_confirmed(self, call: Call[AppContext], answer: Confirmed) -> Reply | tuple[Job, Result | None]:
        await consent.check_enabled(self.studio, answer.jobs[0].command, call.request.scope)
        first, *more = admitted = await self._admit(call, answer.jobs, answer.question)
        if not more and not call.request.answers_elsewhere:
            return first
        jobs = tuple(job for job, _ in admitted)
        text = call.translate("Queued {count} job.", plural="Queued {count} jobs.", count=len(jobs))
        return Reply(text, facts={"jobs": len(jobs)}, jobs=jobs)

    async def _run_command(self, request: Request, held: RequestFiles) -> tuple[Call[AppContext], Answer]:
        if not self._lifecycle.open:
            raise _shutdown_error()
        command = await admission.find_command(self.studio, request)
        request, notes = read_flags(command, request)
        await admission.check_before_files(self.studio, request, complete=True)
        request = await resolve_attachments(self.studio, request)
        params = await parse_params(command.params, await self._fetch_files(request, command.params, held))
        call = Call(request, self.studio)
        return call, add_notes(await command.run(call, params), notes)

    async def _fetch_files(self, request: Request, params: type[TaskParams], held: RequestFiles) -> dict[str, Any]:
        """Return the raw options with each attachment downloaded."""
        accepts = {option.name: option.accepts for option in params.options()}
        fetched = {name: await held.fetch(name, file, accepts[name]) for name, file in request.files.items()}
        return {**request.raw_options, **fetched}

    def _run_or_deliver(self, job: Job, cached: Result | None) -> AsyncGenerator[Update, None]:
        if cached is None:
            return self._lifecycle.run(job)
        return self._lifecycle.redeliver(job, job.finish_with(cached, cached=True))

    async def _admit(
        self, call: Call[AppContext], jobs: Sequence[Job], question: Question | None = None
    ) -> list[tuple[Job, Result | None]]:
        """Store the jobs; return each one as it was stored, with its cached result or None.

        Jobs whose results the user has seen get another seed. Raises as `Store.admit_all` does, and DiskFull.
        """
        admission.check_disk(self.studio)
        limits = admission.limits_of(self.studio, call.request, jobs[0].command)
        while True:
            try:
                results = await self.studio.store.admit_all(
                    jobs, limits, question, may_wait=not call.request.from_program
                )
            except SeenBefore as error:
                jobs = [await change_seed(call, job) if job.id in error.jobs else job for job in jobs]
            else:
                await remember_name(self.studio.store, call.request)
                return list(zip(jobs, results, strict=True))


def _reply_update(reply: Reply) -> Done | Failed:
    if reply.outcome is not None:
        return reply.outcome
    result = Result(text=reply.text, media=reply.media, facts=dict(reply.facts))
    return Replied(result=result, buttons=reply.buttons, jobs=reply.jobs)


def _shutdown_error() -> EngineDied:
    return EngineDied("The studio is shutting down. Try again in a minute.")
