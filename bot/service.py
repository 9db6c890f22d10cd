"""The whole road of a request, top to bottom."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars

from bot.command import Call, Command, Reply, Request
from bot.studio import Studio
from engine.errors import AtelierError, BadInput, Cancelled, EngineDied, NotAllowed
from engine.job import Done, Failed, Job, Queued, Result, Started, Update
from engine.params import TaskParams
from storage.store import Limit

log = structlog.get_logger()

LAST_WORDS = 5.0
"""Seconds that adapters have to tell waiting people that the studio closes."""


class Service:
    """What every adapter serves its requests through."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.flights = studio.flights
        self._open = True
        self._serving = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    async def handle(self, request: Request) -> AsyncGenerator[Update, None]:
        """Everything that happens to the request, to one Done or Failed. Closing it before that cancels the job."""
        with bound_contextvars(user=request.user, command=request.command):
            try:
                answer = await self._answer(request)
            except AtelierError as error:
                log.info("refused", kind=error.kind, why=str(error))
                yield Failed.of(error)
                return
            if isinstance(answer, Reply):
                yield Done(result=Result(text=answer.text, media=answer.media, facts=dict(answer.facts)))
                return
            async with aclosing(self._work(answer, request)) as updates:
                async for update in updates:
                    yield update

    async def close(self) -> None:
        """Take no more, tell whoever waits, and give the adapters a moment to show it."""
        self._open = False
        self.flights.land(_closing())
        try:
            async with asyncio.timeout(LAST_WORDS):
                await self._quiet.wait()
        except TimeoutError:
            log.warning("closed while some were still being told")

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Around everything that an adapter does for one request, its last word to the person included."""
        self._serving += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._serving -= 1
            if not self._serving:
                self._quiet.set()

    async def _answer(self, request: Request) -> Job | Reply:
        if not self._open:
            raise _closing()
        command = self._command(request)
        params = command.params.parse(await self._raw(request, command.params))
        return await command.run(Call(request, self.studio), params)

    def _command(self, request: Request) -> Command:
        command = self.studio.command(request.command)
        if command is None:
            raise BadInput("There is no command /{command}. /help lists them.", command=request.command[:40])
        if command.admin and not request.admin:
            raise NotAllowed("/{command} is for admins only.", command=command.name)
        return command

    async def _raw(self, request: Request, params: type[TaskParams]) -> dict[str, Any]:
        """The raw options with each attachment fetched. A file can only come as an attachment, never as words."""
        takes_files = {option.name: option.accepts for option in params.options() if option.kind == "media"}
        for name in request.raw.keys() & takes_files.keys():
            raise BadInput("{option} must be a file. Attach one.", option=name)
        for name in request.files.keys() - takes_files.keys():
            raise BadInput("/{command} takes no file as {option}.", command=request.command, option=name)
        files = self.studio.files
        fetched = {name: await files.fetch(name, file, takes_files[name]) for name, file in request.files.items()}
        return {**request.raw, **fetched}

    async def _work(self, job: Job, request: Request) -> AsyncGenerator[Update, None]:
        with bound_contextvars(job=job.id):
            try:
                cached = await self.studio.store.admit(job, self._limits(request))
            except AtelierError as error:
                log.info("refused", kind=error.kind, why=str(error))
                yield Failed.of(error)
                return
            if cached is not None:
                log.info("answered from the cache")
                yield Done(job=job.id, result=cached, cached=True)
                return
            log.info("queued", task=job.task)
            async with aclosing(self._run(job)) as updates:
                async for update in updates:
                    yield update

    async def _run(self, job: Job) -> AsyncGenerator[Update, None]:
        """Each change of state is in the store before anybody is told of it."""
        run = _Clock()
        ended = False
        try:
            async with aclosing(self.flights.ride(job)) as updates:
                async for update in updates:
                    ended = isinstance(update, Done | Failed)
                    await self._record(job, update, run)
                    yield update
        finally:
            if not ended:
                await self._record(job, Failed.of(Cancelled("Cancelled."), job.id), run)

    async def _record(self, job: Job, update: Update, run: "_Clock") -> None:
        match update:
            case Queued() if run.begun:
                run.stop()
                await self.studio.store.requeue(job.id)
            case Started():
                run.begin()
                await self.studio.store.start(job.id, update.worker)
            case Done():
                await self.studio.store.finish(job.id, update.result, run.seconds)
                log.info("done", seconds=round(run.seconds, 3))
            case Failed():
                await self.studio.store.fail(job.id, update)
                log.info("failed", kind=update.kind, why=str(update.sentence))

    def _limits(self, request: Request) -> Sequence[Limit]:
        rate = self.studio.settings.limits.get(request.command)
        return [Limit(identity, request.command, rate) for identity in (request.user, *request.also)] if rate else []


class _Clock:
    """Device-seconds of a run, from its newest Started on."""

    def __init__(self) -> None:
        self._begun: float | None = None

    @property
    def begun(self) -> bool:
        return self._begun is not None

    def begin(self) -> None:
        self._begun = time.monotonic()

    def stop(self) -> None:
        self._begun = None

    @property
    def seconds(self) -> float:
        return 0.0 if self._begun is None else time.monotonic() - self._begun


def _closing() -> EngineDied:
    return EngineDied("The studio is closing. Ask again in a minute.")
