"""Web jobs belong to the server: they go on whether or not a connection listens, and their newest state is here."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field

import structlog
from structlog.contextvars import bound_contextvars

from bot.core.command import Replied, Request
from bot.requests.service import Service
from engine.core.errors import Broken
from engine.core.job import Done, Failed, Job, Media, Progress, Update

log = structlog.get_logger()

MAX_PREVIEWS = 3
"""Newest previews of a job that may still be asked for."""


@dataclass
class TrackedRequest:
    """A request of `user` on its way. `newest` is None until the service said its first word."""

    user: str
    newest: Update | None = None
    previews: list[Media] = field(default_factory=list)

    def take(self, update: Update) -> None:
        self.newest = update
        if isinstance(update, Progress) and update.preview is not None:
            self.previews = [*self.previews, update.preview][-MAX_PREVIEWS:]


class JobSubscription:
    """The newest update of each job of `user`, or of one `job` alone, since it was last asked."""

    def __init__(self, user: str, job: str | None) -> None:
        self.user = user
        self.job = job
        self.closed = False
        self._news: dict[str, Update] = {}
        self._told = asyncio.Event()

    def notify(self, running: TrackedRequest, update: Update) -> None:
        if running.user == self.user and self.job in (None, update.job):
            self._news[update.job] = update
            self._told.set()

    def close(self) -> None:
        self.closed = True
        self._told.set()

    async def changes(self, seconds: float) -> list[Update]:
        """What changed; waits until something did or the desk closed, at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._told.wait()
        self._told.clear()
        news, self._news = list(self._news.values()), {}
        return news


class JobTracker:
    """Carries requests through the service, and tells whoever watches."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._live: dict[str, TrackedRequest] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._watches: set[JobSubscription] = set()

    async def start(self, request: Request) -> Update:
        """Begin, and the first update; what comes after goes on by itself. Who leaves before the first, cancels."""
        first: asyncio.Future[Update] = asyncio.get_running_loop().create_future()
        task = self._begin(request.user, self._service.handle(request), first)
        try:
            return await first
        except asyncio.CancelledError:
            task.cancel()
            raise

    async def check(self, request: Request) -> None:
        """Raise what the service would refuse the request for before it takes its files."""
        await self._service.check(request)

    async def resume_unfinished(self) -> None:
        """Go on with the jobs that an earlier run left. What has ended since is in its row, for whoever asks."""
        for job in await self._service.unfinished_jobs("web"):
            self._resume(job)

    async def run_to_end(self, request: Request) -> Update:
        """The last update of the request. Whoever leaves before it cancels the job."""
        with self._service.track_request():
            async with aclosing(self._service.handle(request)) as updates:
                return [update async for update in updates][-1]

    def newest(self, job: str) -> tuple[str, Update] | None:
        """Whose the job is and its newest update, while it lives here."""
        running = self._live.get(job)
        return (running.user, running.newest) if running and running.newest else None

    def preview(self, user: str, sha256: str) -> Media | None:
        """A recent preview of one of the user's live jobs."""
        previews = (media for each in self._live.values() if each.user == user for media in each.previews)
        return next((media for media in previews if media.sha256 == sha256), None)

    @contextmanager
    def watch(self, user: str, job: str | None = None) -> Iterator[JobSubscription]:
        watch = JobSubscription(user, job)
        self._watches.add(watch)
        try:
            yield watch
        finally:
            self._watches.discard(watch)

    async def close(self) -> None:
        """End what still runs, and the watches. The service has told its jobs before, so mostly there is nothing."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for watch in self._watches:
            watch.close()

    def _resume(self, job: Job) -> None:
        with bound_contextvars(user=job.user, job=job.id):
            self._begin(job.user, self._service.resume(job), asyncio.get_running_loop().create_future())

    def _begin(
        self, user: str, updates: AsyncGenerator[Update, None], first: asyncio.Future[Update]
    ) -> asyncio.Task[None]:
        task = asyncio.create_task(self._run(TrackedRequest(user), updates, first))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run(
        self, running: TrackedRequest, updates: AsyncGenerator[Update, None], first: asyncio.Future[Update]
    ) -> None:
        """A fault of ours is logged here, and told to whoever waits."""
        try:
            with self._service.track_request():
                async with aclosing(updates):
                    await self._follow(running, updates, first)
        except Exception as error:
            log.exception("a web job failed by a fault of ours", user=running.user)
            if not first.done():
                first.set_exception(error)
            elif running.newest is not None:
                self._notify(running, Failed.of(broken(), running.newest.job))

    async def _follow(
        self, running: TrackedRequest, updates: AsyncIterator[Update], first: asyncio.Future[Update]
    ) -> None:
        job = ""
        try:
            async for update in updates:
                job = update.job
                running.take(update)
                if job and not isinstance(update, Done | Failed):
                    self._live[job] = running
                self._notify(running, update)
                for made in update.jobs if isinstance(update, Replied) else ():
                    self._resume(made)
                if not first.done():
                    first.set_result(update)
        finally:
            self._live.pop(job, None)

    def _notify(self, running: TrackedRequest, update: Update) -> None:
        for watch in self._watches:
            watch.notify(running, update)


def broken() -> Broken:
    return Broken("A fault of ours; the log says more. Try again, or tell an admin.")
