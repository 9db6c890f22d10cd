"""Which job runs next: plain values in, plain values out, no clock and no I/O."""

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

AGEING = 0.1
"""Device-seconds that one second of waiting is worth: after a while even a greedy person's job is next."""


@dataclass(frozen=True)
class Waiting:
    """A job in line. `cost` is its expected device-seconds, `created` its time of admission in seconds."""

    id: str
    user: str
    cost: float
    created: float


def order(waiting: Iterable[Waiting], usage: Mapping[str, float]) -> Iterator[Waiting]:
    """The line as it will leave if nobody joins: least device-seconds used lately first, waiting ages a job forward.

    `usage` is device-seconds used lately by user; each job that leaves adds its cost to its owner's. O(n log n).
    """
    lines: dict[str, deque[Waiting]] = defaultdict(deque)
    for job in sorted(waiting, key=lambda job: job.created):
        lines[job.user].append(job)
    spent = {user: usage.get(user, 0.0) for user in lines}
    heap = [_entry(line[0], spent) for line in lines.values()]
    heapq.heapify(heap)
    while heap:
        job = heapq.heappop(heap)[-1]
        yield lines[job.user].popleft()
        spent[job.user] += job.cost
        if lines[job.user]:
            heapq.heappush(heap, _entry(lines[job.user][0], spent))


def pick(waiting: Iterable[Waiting], usage: Mapping[str, float]) -> Waiting | None:
    """The job that runs next, or None where nothing waits."""
    return next(order(waiting, usage), None)


def _entry(job: Waiting, spent: Mapping[str, float]) -> tuple[float, float, str, Waiting]:
    return spent[job.user] + AGEING * job.created, job.created, job.id, job
