"""The scheduler, which decides what job runs next. It works on plain values, without a clock or I/O.

Each user has a queue of their own, in order of submission, and only its first job (the head) competes with the heads of
other users. When a job becomes the head, it gets a start tag:

    start_tag = since + USAGE_WEIGHT * usage / weight

`since` is when it became the head. `usage` is the device-seconds that its user has used lately, which decay by half
every ten minutes. The lowest start tag runs first, so users with little usage go first, and waiting raises a job's
priority. This is start-time fair queueing (Goyal, Vin, Cheng 1996) with wall-clock start tags and decaying usage.

No job starves. A job that becomes a head at time t has a start tag of at least t, so once t is past a job's start tag
no newcomer can overtake it. Only the heads that are already there can, once each, and at most MAX_QUEUE_JUMPS jobs
whose model is resident. With U users in the queue, D devices and jobs of at most C device-seconds, a head waits at most

    USAGE_WEIGHT * usage / weight + (U + MAX_QUEUE_JUMPS) * C / D

and `usage` cannot exceed D * HALF_LIFE_SECONDS / ln 2, plus what the user's own running jobs were charged.
"""

import heapq
from bisect import bisect_left, insort
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from math import inf

from engine.host.fair_share import Usage

USAGE_WEIGHT = 10.0
"""Seconds of waiting that outweigh one device-second of recent usage."""
MAX_QUEUE_JUMPS = 16
"""Positions that a job whose model is resident may jump ahead, and how often one job may be overtaken so."""
MAX_BATCH_SECONDS = 4.0
"""Upper bound for the device-seconds of a batch, because the next user waits for all of it."""


@dataclass(frozen=True)
class Waiting:
    """A queued job, as the scheduler sees it."""

    id: str
    user: str
    #: Expected device-seconds.
    cost: float
    #: Unix time of the request.
    created: float
    #: The user's share of the devices relative to other users.
    weight: float = 1.0
    #: How many of the user's jobs may run at the same time; None for any number.
    max_running: int | None = None
    #: The model that has to be resident for the job.
    model: str | None = None
    task: str = ""
    #: Jobs of a task with the same value may share a run; None for a job that runs alone.
    batch: str | None = None


BatchLimit = Callable[[str], int]
"""Returns how many jobs of a task, given by its name, may share a run."""


def no_batching(_task: str) -> int:
    """Return 1 for every task."""
    return 1


_Rank = tuple[float, float, str]
"""The start tag of a user's head, the time of its request, and the user."""


@dataclass(frozen=True)
class _Candidate:
    """The head of a user's queue. `overtaken` counts the jobs that jumped ahead of it."""

    job: Waiting
    since: float
    rank: _Rank
    overtaken: int = 0


class Schedule:
    """The queued and running jobs. Every `now` is in Unix seconds and must not go backwards by much."""

    def __init__(self) -> None:
        self._usage = Usage()
        self._queues: dict[str, OrderedDict[str, Waiting]] = defaultdict(OrderedDict)
        self._users: dict[str, str] = {}
        self._heads: dict[str, _Candidate] = {}
        self._ranks: list[_Rank] = []
        self._running: Counter[str] = Counter()
        self._bumped: dict[str, int] = {}
        self._bumps = 0

    def __len__(self) -> int:
        return len(self._users)

    def __contains__(self, job: str) -> bool:
        return job in self._users

    def join(self, job: Waiting, now: float) -> None:
        """Append a job to its user's queue, or put it back in its old place if its worker died."""
        queue = self._queues[job.user]
        last = next(reversed(queue.values()), None)
        queue[job.id] = job
        self._users[job.id] = job.user
        if last is not None and job.created < last.created:
            for other in sorted(queue.values(), key=lambda other: (self._bumped.get(other.id, inf), other.created)):
                queue.move_to_end(other.id)
        if next(iter(queue)) == job.id:
            self._refresh_head(job.user, min(job.created, now), now)

    def leave(self, job: str, now: float) -> bool:
        """Remove a queued job, whose waiting time the user's next job inherits. Returns False if it is not queued."""
        user = self._users.pop(job, None)
        if user is None:
            return False
        head = self._heads.get(user)
        del self._queues[user][job]
        self._bumped.pop(job, None)
        if head is None or head.job.id == job:
            self._refresh_head(user, head.since if head else now, now)
        return True

    def bump(self, job: str, now: float) -> bool:
        """Move a queued job ahead of all others but those bumped before. Returns False if it is not queued."""
        user = self._users.get(job)
        if user is None:
            return False
        self._bumps += 1
        self._bumped[job] = self._bumps
        queue = self._queues[user]
        bumped = sorted((other for other in queue if other in self._bumped), key=self._bumped.__getitem__)
        for other in reversed(bumped):
            queue.move_to_end(other, last=False)
        self._refresh_head(user, now, now)
        return True

    def pick(self, resident: Collection[str], now: float, max_batch: BatchLimit = no_batching) -> tuple[Waiting, ...]:
        """Remove and return the job that runs next on a device, with the jobs that share its run, or () for none.

        `resident` are the models on the device, and `max_batch` limits the size of a batch, which also takes at most
        MAX_BATCH_SECONDS. The users are charged the jobs' costs. Takes O((MAX_QUEUE_JUMPS + batch) * log n).
        """
        chosen = self._choose(resident)
        if chosen is None:
            return ()
        picked = [self._take(chosen, now)]
        most = 1 if chosen.batch is None else max_batch(chosen.task)
        left = MAX_BATCH_SECONDS - chosen.cost
        while len(picked) < most and (partner := self._partner(chosen)) and partner.cost <= left:
            picked.append(self._take(partner, now))
            left -= partner.cost
        for job in picked:
            self._usage.add(job.user, job.cost / len(picked), now)
        for user in {job.user for job in picked}:
            self._refresh_head(user, now, now)
        return tuple(picked)

    def finish_job(self, job: Waiting, charged: float, seconds: float, now: float) -> None:
        """Note that a picked job has ended, and charge the `seconds` it took instead of the `charged` ones."""
        self._running[job.user] -= 1
        if not self._running[job.user]:
            del self._running[job.user]
        self.charge(job.user, seconds - charged, now)
        self._refresh_head(job.user, self._head_since(job.user, now), now)

    def charge(self, user: str, seconds: float, now: float) -> None:
        """Add device-seconds to a user's usage, for example for runs before a restart."""
        self._usage.add(user, seconds, now)

    def forget(self, now: float) -> None:
        """Drop users whose usage has decayed. Call this now and then."""
        self._usage.forget(now)

    def order(self, now: float, devices: int = 1) -> Iterator[Waiting]:
        """Yield the queued jobs in the order in which they would run on `devices` without a resident model.

        Assumes that no job is added. Takes O(n log n) for the whole queue.
        """
        queues = {user: iter(queue.values()) for user, queue in self._queues.items()}
        usage = self._usage.copy()
        heads = [(*self._rank(job, self._head_since(user, now), now), job) for user, job in self._first_jobs(queues)]
        heapq.heapify(heads)
        while heads:
            *_, user, job = heapq.heappop(heads)
            yield job
            usage.add(user, job.cost, now)
            since, now = now, now + job.cost / devices
            following = next(queues[user], None)
            if following is not None:
                heapq.heappush(heads, (*self._rank(following, since, now, usage), following))

    @staticmethod
    def _first_jobs(queues: Mapping[str, Iterator[Waiting]]) -> Iterator[tuple[str, Waiting]]:
        return ((user, next(queue)) for user, queue in queues.items())

    def _choose(self, resident: Collection[str]) -> Waiting | None:
        """Return the first head whose model is resident, if it may overtake those before it, or the first of all."""
        window = [self._heads[user] for *_, user in self._ranks[: MAX_QUEUE_JUMPS + 1]]
        if not window:
            return None
        passed: list[_Candidate] = []
        for head in window:
            if head.job.model in resident or (not passed and head.job.model is None):
                for other in passed:
                    self._heads[other.job.user] = replace(other, overtaken=other.overtaken + 1)
                return head.job
            if head.overtaken >= MAX_QUEUE_JUMPS or head.job.id in self._bumped:
                break
            passed.append(head)
        return window[0].job

    def _partner(self, chosen: Waiting) -> Waiting | None:
        """Return another head, close behind the front, that may share the chosen job's run."""
        window = (self._heads[user].job for *_, user in self._ranks[: MAX_QUEUE_JUMPS + 1])
        return next((job for job in window if (job.task, job.batch) == (chosen.task, chosen.batch)), None)

    def _take(self, job: Waiting, now: float) -> Waiting:
        del self._users[job.id]
        del self._queues[job.user][job.id]
        self._bumped.pop(job.id, None)
        self._running[job.user] += 1
        self._refresh_head(job.user, now, now)
        return job

    def _refresh_head(self, user: str, since: float, now: float) -> None:
        """Rank the first job of the user's queue, if there is one and the user may run another job."""
        before = self._heads.pop(user, None)
        if before is not None:
            del self._ranks[bisect_left(self._ranks, before.rank)]
        queue = self._queues[user]
        if not queue:
            del self._queues[user]
            return
        job = next(iter(queue.values()))
        if job.max_running is not None and self._running[user] >= job.max_running:
            return
        overtaken = before.overtaken if before is not None and before.job is job else 0
        head = _Candidate(job, since, self._rank(job, since, now), overtaken)
        self._heads[user] = head
        insort(self._ranks, head.rank)

    def _head_since(self, user: str, now: float) -> float:
        head = self._heads.get(user)
        return head.since if head else now

    def _rank(self, job: Waiting, since: float, now: float, usage: Usage | None = None) -> _Rank:
        """Return the job's rank, with its user's usage at `now`. Bumped jobs rank before all others."""
        if job.id in self._bumped:
            return -inf, self._bumped[job.id], job.user
        used = (usage or self._usage).decayed_usage(job.user, now)
        return since + USAGE_WEIGHT * used / job.weight, job.created, job.user
