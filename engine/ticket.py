"""A job on its way through the engine, and the updates that somebody waits for."""

import asyncio

from engine.job import Done, Failed, Job, Update
from engine.schedule import Waiting
from engine.wire import Run


class Ticket:
    """`attempt` counts runs, `place` is the last one told. The first final update ends it; later ones are dropped."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.attempt = 0
        self.place = 0
        self.cancelled = False
        self.ended = False
        self._updates: asyncio.Queue[Update] = asyncio.Queue()

    @property
    def waiting(self) -> Waiting:
        return Waiting(id=self.job.id, user=self.job.user, cost=self.job.cost, created=self.job.created)

    @property
    def order(self) -> Run:
        """What a worker is told."""
        return Run(job=self.job.id, task=self.job.task, params=self.job.params)

    def put(self, update: Update) -> None:
        if not self.ended:
            self.ended = isinstance(update, Done | Failed)
            self._updates.put_nowait(update)

    async def next(self) -> Update | None:
        """The next update; None after the last."""
        return None if self.ended and self._updates.empty() else await self._updates.get()
