"""Run web requests independently of connections, and keep the newest state of their jobs."""

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
"""Newest previews of a job that can still be fetched."""


@dataclass
class TrackedRequest:
    """A request of `user` that is being served. `newest` is None before the first update."""

    user: str
    newest: Update | None = None
    previews: list[Media] = field(default_factory=list)

    def record(self, update: Update) -> None:
        """Keep the update, and its preview if it has one."""
        self.newest = update
        if isinstance(update, Progress) and update.preview is not None:
            self.previews = [*self.previews, update.preview][-MAX_PREVIEWS:]


class JobSubscription:
    """Collects the newest update of each job of `user`, or of `job` alone, until `changes` returns them."""

    def __init__(self, user: str, job: str | None) -> None:
        self.user = user
        self.job = job
        self.closed = False
        self._pending: dict[str, Update] = {}
        self._changed = asyncio.Event()

    def notify(self, tracked: TrackedRequest, update: Update) -> None:
        """Keep the update if the subscription covers it."""
        if tracked.user == self.user and self.job in (None, update.job):
            self._pending[update.job] = update
            self._changed.set()

    def close(self) -> None:
        """Wake the subscriber and mark the subscription as closed."""
        self.closed = True
        self._changed.set()

    async def changes(self, seconds: float) -> list[Update]:
        """Return the updates since the last call. Wait at most `seconds` for one, or for the tracker to close."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        self._changed.clear()
        updates, self._pending = list(self._pending.values()), {}
        return updates


class JobTracker:
    """Serves requests in tasks of their own, and notifies subscribers."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._live: dict[str, TrackedRequest] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._subscriptions: set[JobSubscription] = set()

    async def start(self, request: Request) -> Update:
        """Start serving the request and return its first update. The request then continues without a listener. If this
        call is cancelled before the first update, so is the request.
        """
        first: asyncio.Future[Update] = asyncio.get_running_loop().create_future()
        task = self._start_task(request.user, self._service.handle(request), first)
        try:
            return await first
        except asyncio.CancelledError:
            task.cancel()
            raise

    async def check(self, request: Request) -> None:
        """Raise what the service would refuse the request for before it accepts files."""
        await self._service.check(request)

    async def resume_unfinished(self) -> None:
        """Resume the jobs that an earlier run left unfinished."""
        for job in await self._service.unfinished_jobs("web"):
            self._resume(job)

    async def run_to_end(self, request: Request) -> Update:
        """Return the last update of the request. If this call is cancelled, so is the job."""
        with self._service.track_request():
            async with aclosing(self._service.handle(request)) as updates:
                return [update async for update in updates][-1]

    def newest(self, job: str) -> tuple[str, Update] | None:
        """Return the user and the newest update of a job that is being served here, else None."""
        tracked = self._live.get(job)
        return (tracked.user, tracked.newest) if tracked and tracked.newest else None

    def preview(self, user: str, sha256: str) -> Media | None:
        """Return a recent preview of one of the user's live jobs, or None."""
        previews = (media for request in self._live.values() if request.user == user for media in request.previews)
        return next((media for media in previews if media.sha256 == sha256), None)

    @contextmanager
    def subscribe(self, user: str, job: str | None = None) -> Iterator[JobSubscription]:
        """Yield a subscription to the user's jobs, or to `job` alone."""
        subscription = JobSubscription(user, job)
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    async def close(self) -> None:
        """Cancel what is still being served and close the subscriptions. The service has already told its jobs to
        pause.
        """
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for subscription in self._subscriptions:
            subscription.close()

    def _resume(self, job: Job) -> None:
        with bound_contextvars(user=job.user, job=job.id):
            self._start_task(job.user, self._service.resume(job), asyncio.get_running_loop().create_future())

    def _start_task(
        self, user: str, updates: AsyncGenerator[Update, None], first: asyncio.Future[Update]
    ) -> asyncio.Task[None]:
        task = asyncio.create_task(self._run(TrackedRequest(user), updates, first))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run(
        self, tracked: TrackedRequest, updates: AsyncGenerator[Update, None], first: asyncio.Future[Update]
    ) -> None:
        """Serve one request. An unexpected failure is logged and reported to the caller and the subscribers."""
        try:
            with self._service.track_request():
                async with aclosing(updates):
                    await self._consume(tracked, updates, first)
        except Exception as error:
            log.exception("a web request failed", user=tracked.user)
            if not first.done():
                first.set_exception(error)
            elif tracked.newest is not None:
                self._notify(tracked, Failed.of(internal_error(), tracked.newest.job))

    async def _consume(
        self, tracked: TrackedRequest, updates: AsyncIterator[Update], first: asyncio.Future[Update]
    ) -> None:
        """Record each update and notify subscribers, until the updates end."""
        job = ""
        try:
            async for update in updates:
                job = update.job
                tracked.record(update)
                if job and not isinstance(update, Done | Failed):
                    self._live[job] = tracked
                self._notify(tracked, update)
                for created in update.jobs if isinstance(update, Replied) else ():
                    self._resume(created)
                if not first.done():
                    first.set_result(update)
        finally:
            self._live.pop(job, None)

    def _notify(self, tracked: TrackedRequest, update: Update) -> None:
        for subscription in self._subscriptions:
            subscription.notify(tracked, update)


def internal_error() -> Broken:
    """Return the error that stands for a failure of the program itself."""
    return Broken("Something went wrong on our side. Try again, or tell an admin.")
