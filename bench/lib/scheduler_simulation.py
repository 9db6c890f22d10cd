"""Simulate a day of one device that holds one of three models, and several orders of serving the jobs.

There are 10,000 jobs of 200 users, most in the evening. One user queues 1,000 at once. The device is busy 60 % of the
day.
"""

import math
import random
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Protocol

from engine.host.fair_share import Usage
from engine.host.scheduler import MAX_QUEUE_JUMPS, USAGE_WEIGHT, Schedule, Waiting

DAY = 86400.0
PEOPLE, JOBS, GREEDY_JOBS = 200, 10_000, 1_000
GREEDY = "greedy"
MODELS = {"a": (0.5, 4.0), "b": (0.3, 6.0), "c": (0.2, 5.0)}
"""Share of the jobs, and median device-seconds."""


@dataclass(frozen=True)
class Asked:
    """A job: its time, user, model and device-seconds."""

    at: float
    user: str
    model: str
    seconds: float


class Order(Protocol):
    """An order of serving, which chooses the next of the waiting jobs. Jobs are numbered in order of arrival."""

    def join(self, number: int, job: Asked) -> None: ...
    def next(self, resident: str | None, now: float) -> int: ...
    def finish_job(self, seconds: float, now: float) -> None: ...


@dataclass(frozen=True)
class Served:
    """The seconds that each job waited, in order of arrival, and the number of model changes."""

    waits: Sequence[float]
    swaps: int


def day(seed: int) -> list[Asked]:
    """Return the jobs of a day. Some users ask more than others, and mostly for their favourite model."""
    chance = random.Random(seed)
    people = [f"p{number}" for number in range(PEOPLE - 1)]
    eager = [chance.lognormvariate(0, 0.6) for _ in people]
    favourite = {user: _model(chance) for user in people}
    jobs = []
    for user in chance.choices(people, eager, k=JOBS - GREEDY_JOBS):
        model = favourite[user] if chance.random() < 0.6 else _model(chance)
        jobs.append(Asked(_moment(chance), user, model, _seconds(chance, model)))
    jobs += [Asked(0.4 * DAY, GREEDY, "a", _seconds(chance, "a")) for _ in range(GREEDY_JOBS)]
    return sorted(jobs, key=lambda job: job.at)


def serve(jobs: Sequence[Asked], order: Order, swap: float) -> Served:
    """Serve the jobs on a device that is never idle while a job waits. Loading another model takes `swap` seconds."""
    waits, swaps, resident, now, come = [0.0] * len(jobs), 0, None, 0.0, 0
    for done in range(len(jobs)):
        if come == done:
            now = max(now, jobs[come].at)
        while come < len(jobs) and jobs[come].at <= now:
            order.join(come, jobs[come])
            come += 1
        number = order.next(resident, now)
        job = jobs[number]
        waits[number] = now - job.at
        took = job.seconds + (swap if job.model != resident else 0)
        swaps += job.model != resident
        resident, now = job.model, now + took
        order.finish_job(took, now)
    return Served(waits, swaps)


class FirstCome:
    """Serves jobs in order of arrival."""

    def __init__(self) -> None:
        self._line: deque[int] = deque()

    def join(self, number: int, job: Asked) -> None:  # noqa: ARG002  # any job is like any other
        self._line.append(number)

    def next(self, resident: str | None, now: float) -> int:  # noqa: ARG002
        return self._line.popleft()

    def finish_job(self, seconds: float, now: float) -> None: ...


class Fair:
    """Serves jobs as `engine.host.scheduler` does. `slack` is the largest wait at the head relative to its bound."""

    def __init__(self, jobs: Sequence[Asked], swap: float) -> None:
        self._schedule = Schedule()
        self._usage = Usage()
        self._lines: defaultdict[str, deque[int]] = defaultdict(deque)
        self._firsts: dict[int, tuple[float, float]] = {}
        self._longest = max(job.seconds for job in jobs) + swap
        self._chosen = Waiting("", "", 0, 0)
        self.waits: list[tuple[float, float]] = []

    def join(self, number: int, job: Asked) -> None:
        self._schedule.join(Waiting(str(number), job.user, job.seconds, job.at, model=job.model), job.at)
        self._lines[job.user].append(number)
        if len(self._lines[job.user]) == 1:
            self._firsts[number] = (job.at, self._usage.decayed_usage(job.user, job.at))

    def next(self, resident: str | None, now: float) -> int:
        (self._chosen,) = self._schedule.pick({resident} if resident else (), now)
        number = int(self._chosen.id)
        since, used = self._firsts.pop(number)
        line = self._lines[self._chosen.user]
        line.popleft()
        self._usage.add(self._chosen.user, self._chosen.cost, now)
        if line:
            self._firsts[line[0]] = (now, self._usage.decayed_usage(self._chosen.user, now))
        self.waits.append((now - since, used))
        return number

    def finish_job(self, seconds: float, now: float) -> None:
        cost = self._chosen.cost
        self._schedule.finish_job(self._chosen, cost, seconds, now)
        self._usage.add(self._chosen.user, seconds - cost, now)

    def nearest(self) -> tuple[float, float]:
        """Return the longest wait at the head of the queue in seconds, and the largest one relative to its bound."""
        shares = [
            wait / (USAGE_WEIGHT * used + (PEOPLE + MAX_QUEUE_JUMPS) * self._longest) for wait, used in self.waits
        ]
        return max(wait for wait, _ in self.waits), max(shares)


def fewest_swaps(jobs: Sequence[Asked], swap: float, width: int = 48) -> int:
    """The fewest changes of model that a beam search finds among orders that never idle while somebody waits.

    It stays with a model while anybody waits for it, and tries every other one then.
    """
    lines = {model: [job for job in jobs if job.model == model] for model in MODELS}
    states = {(0.0, model, (0,) * len(MODELS)) for model in MODELS}
    for swaps in range(1, len(jobs)):
        run = [_run_on(lines, *state) for state in states]
        if any(sum(done) == len(jobs) for _, _, done in run):
            return swaps
        best = sorted(run, key=lambda state: (-sum(state[2]), state[0]))[:width]
        states = {
            (now + swap, model, done)
            for now, resident, done in best
            for place, model in enumerate(MODELS)
            if model != resident and done[place] < len(lines[model]) and lines[model][done[place]].at <= now
        }
    return len(jobs)


def _run_on(
    lines: dict[str, list[Asked]], now: float, resident: str, done: tuple[int, ...]
) -> tuple[float, str, tuple[int, ...]]:
    """Serve the resident model until somebody waits, but for another one."""
    counts = dict(zip(MODELS, done, strict=True))
    while True:
        following = {model: line[counts[model]] for model, line in lines.items() if counts[model] < len(line)}
        if not following:
            break
        mine = following.get(resident)
        first = min(job.at for job in following.values())
        now = max(now, first)
        if mine is None or mine.at > now:
            break
        now += mine.seconds
        counts[resident] += 1
    return now, resident, tuple(counts.values())


def high(waits: Sequence[float]) -> float:
    """Return the 95th percentile."""
    return quantiles(waits, n=20)[-1]


def _model(chance: random.Random) -> str:
    return chance.choices(list(MODELS), [share for share, _ in MODELS.values()])[0]


def _seconds(chance: random.Random, model: str) -> float:
    return MODELS[model][1] * chance.lognormvariate(0, 0.4)


def _moment(chance: random.Random) -> float:
    """Seconds of the day; at the busiest hour four times as many as at the quietest."""
    while True:
        at = chance.uniform(0, DAY)
        if chance.random() * 1.6 < 1 + 0.6 * math.sin(2 * math.pi * (at / DAY - 0.35)):
            return at
