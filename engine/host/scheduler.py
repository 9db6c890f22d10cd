"""Which job runs next: a state machine over plain values, with no clock and no I/O of its own.

Each person has a line of their own, in the order of asking, and only its first job competes. When a job becomes the
first of its line, it gets the time at which it *deserves* to run:

    deserves = since + WORTH * usage / weight

`since` is when it became first, `usage` the device-seconds that its owner used lately, which fade by half every ten
minutes. The lowest goes first. So who used least goes first, and waiting ages a job forward: it is as start-time fair
queueing (Goyal, Vin, Cheng 1996), with the start tag in seconds of the clock and a memory that fades.

Nobody starves. Who becomes first at a time t deserves no time before t. So once t is past a job's own time no newcomer
goes before it, only the other first jobs that are there, each once, and those that jump to a resident model, JUMPS at
most. With P people in line, D devices and jobs of at most C device-seconds, the first job of a line waits at most

    WORTH * usage / weight + (P + JUMPS) * C / D

and `usage` cannot exceed D * HALF_LIFE / ln 2, plus what its owner's own running jobs were charged.
"""

import heapq
from bisect import bisect_left, insort
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from math import inf

from engine.host.fair_share import Usage

USAGE_WEIGHT = 10.0
"""Seconds of waiting that weigh as much as one device-second used lately."""
MAX_QUEUE_JUMPS = 16
"""Places that a job whose model is resident may jump, and how often one job may be jumped over."""
MAX_BATCH_SECONDS = 4.0
"""Device-seconds that a run of several jobs should take at most: who comes next waits for all of it."""


@dataclass(frozen=True)
class Waiting:
    """A job in line.

    `cost` is its expected device-seconds, `created` when it was asked for, `weight` its owner's share beside others',
    `at_once` how many jobs of its owner may run together, `model` what has to be resident for it. Jobs of a `task` with
    the same `batch` may share one run.
    """

    id: str
    user: str
    cost: float
    created: float
    weight: float = 1.0
    at_once: int | None = None
    model: str | None = None
    task: str = ""
    batch: str | None = None


BatchLimit = Callable[[str], int]


def no_batching(_task: str) -> int:
    return 1


_Place = tuple[float, float, str]
"""The time that a person's first job deserves, when it was asked for, and the person."""


@dataclass(frozen=True)
class _Candidate:
    """The first job of a person's line, as it competes. `jumped` counts who jumped over it."""

    job: Waiting
    since: float
    place: _Place
    jumped: int = 0


class Schedule:
    """Jobs join, are picked and end. Every `now` is in Unix seconds and must not run backwards by much."""

    def __init__(self, jumps: int = MAX_QUEUE_JUMPS, worth: float = USAGE_WEIGHT, usage: Usage | None = None) -> None:
        self._jumps = jumps
        self._worth = worth
        self._usage = usage or Usage()
        self._lines: dict[str, OrderedDict[str, Waiting]] = defaultdict(OrderedDict)
        self._owners: dict[str, str] = {}
        self._firsts: dict[str, _Candidate] = {}
        self._places: list[_Place] = []
        self._running: Counter[str] = Counter()
        self._bumped: dict[str, int] = {}
        self._bumps = 0

    def __len__(self) -> int:
        return len(self._owners)

    def __contains__(self, job: str) -> bool:
        return job in self._owners

    def join(self, job: Waiting, now: float) -> None:
        """At the end of its owner's line, or where it stood when it comes back."""
        line = self._lines[job.user]
        last = next(reversed(line.values()), None)
        line[job.id] = job
        self._owners[job.id] = job.user
        if last is not None and job.created < last.created:
            for each in sorted(line.values(), key=lambda each: (self._bumped.get(each.id, inf), each.created)):
                line.move_to_end(each.id)
        if next(iter(line)) == job.id:
            self._refresh_head(job.user, min(job.created, now), now)

    def leave(self, job: str, now: float) -> bool:
        """Take a waiting job out. False where it does not wait. The next of its line takes over what it had waited."""
        user = self._owners.pop(job, None)
        if user is None:
            return False
        first = self._firsts.get(user)
        del self._lines[user][job]
        self._bumped.pop(job, None)
        if first is None or first.job.id == job:
            self._refresh_head(user, first.since if first else now, now)
        return True

    def bump(self, job: str, now: float) -> bool:
        """Before everybody, behind what was bumped earlier. False where it does not wait."""
        user = self._owners.get(job)
        if user is None:
            return False
        self._bumps += 1
        self._bumped[job] = self._bumps
        line = self._lines[user]
        mine = sorted((each for each in line if each in self._bumped), key=self._bumped.__getitem__)
        for each in reversed(mine):
            line.move_to_end(each, last=False)
        self._refresh_head(user, now, now)
        return True

    def pick(self, resident: Collection[str], now: float, together: BatchLimit = no_batching) -> tuple[Waiting, ...]:
        """The job that runs next on a device that holds the models `resident`, with those that share its run.

        `together` says of a task how many jobs may share a run there, which is to take SHARED seconds at most. They
        leave the line and are charged their cost; nothing where nothing may run. O(JUMPS + batch) * O(log n).
        """
        chosen = self._choose(resident)
        if chosen is None:
            return ()
        picked = [self._take(chosen, now)]
        most = 1 if chosen.batch is None else together(chosen.task)
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
        """A picked job does not run any more: `seconds` of a device instead of the `charged` ones."""
        self._running[job.user] -= 1
        if not self._running[job.user]:
            del self._running[job.user]
        self.charge(job.user, seconds - charged, now)
        first = self._firsts.get(job.user)
        self._refresh_head(job.user, first.since if first else now, now)

    def charge(self, user: str, seconds: float, now: float) -> None:
        """Remember that `user` had a device for `seconds`, as after a restart."""
        self._usage.add(user, seconds, now)

    def forget(self, now: float) -> None:
        """Drop whose use has faded; to be called now and then."""
        self._usage.forget(now)

    def order(self, now: float, devices: int = 1) -> Iterator[Waiting]:
        """The line as it would leave if nobody joined, on `devices` that hold no model. O(n log n) for all of it."""
        lines = {user: iter(line.values()) for user, line in self._lines.items()}
        usage = self._usage.copy()
        heads = [(*self._start_tag(job, self._head_since(user, now), now), job) for user, job in self._heads(lines)]
        heapq.heapify(heads)
        while heads:
            *_, user, job = heapq.heappop(heads)
            yield job
            usage.add(user, job.cost, now)
            since, now = now, now + job.cost / devices
            following = next(lines[user], None)
            if following is not None:
                heapq.heappush(heads, (*self._start_tag(following, since, now, usage), following))

    @staticmethod
    def _heads(lines: Mapping[str, Iterator[Waiting]]) -> Iterator[tuple[str, Waiting]]:
        return ((user, next(line)) for user, line in lines.items())

    def _choose(self, resident: Collection[str]) -> Waiting | None:
        """The first, or the first whose model is resident if it may jump over all that stand before it."""
        window = [self._firsts[user] for *_, user in self._places[: self._jumps + 1]]
        if not window:
            return None
        passed: list[_Candidate] = []
        for first in window:
            if first.job.model in resident or (not passed and first.job.model is None):
                for each in passed:
                    self._firsts[each.job.user] = replace(each, jumped=each.jumped + 1)
                return first.job
            if first.jumped >= self._jumps or first.job.id in self._bumped:
                break
            passed.append(first)
        return window[0].job

    def _partner(self, chosen: Waiting) -> Waiting | None:
        """Another first job among the next places that shares the chosen one's run."""
        window = (self._firsts[user].job for *_, user in self._places[: self._jumps + 1])
        return next((job for job in window if (job.task, job.batch) == (chosen.task, chosen.batch)), None)

    def _take(self, job: Waiting, now: float) -> Waiting:
        del self._owners[job.id]
        del self._lines[job.user][job.id]
        self._bumped.pop(job.id, None)
        self._running[job.user] += 1
        self._refresh_head(job.user, now, now)
        return job

    def _refresh_head(self, user: str, since: float, now: float) -> None:
        """Put the first job of the user's line, if any, and if another may run, where it belongs."""
        before = self._firsts.pop(user, None)
        if before is not None:
            del self._places[bisect_left(self._places, before.place)]
        line = self._lines[user]
        if not line:
            del self._lines[user]
            return
        job = next(iter(line.values()))
        if job.at_once is not None and self._running[user] >= job.at_once:
            return
        jumped = before.jumped if before is not None and before.job is job else 0
        first = _Candidate(job, since, self._start_tag(job, since, now), jumped)
        self._firsts[user] = first
        insort(self._places, first.place)

    def _head_since(self, user: str, now: float) -> float:
        first = self._firsts.get(user)
        return first.since if first else now

    def _start_tag(self, job: Waiting, since: float, now: float, usage: Usage | None = None) -> _Place:
        """Where it stands with what its owner will have used at `now`."""
        if job.id in self._bumped:
            return -inf, self._bumped[job.id], job.user
        used = (usage or self._usage).decayed_usage(job.user, now)
        return since + self._worth * used / job.weight, job.created, job.user
