"""Compare the scheduler with first in, first out on a simulated day, and measure the time of one choice.

Goals: the other users' 95th percentile of waiting is at least 10 times shorter than under first in, first out, although
one user queues 1,000 jobs; at most 1.2 times the fewest possible model changes; nobody waits beyond the bound of
engine/host/scheduler.py; a choice takes under 1 ms with 10,000 jobs waiting. This draws data/bench/schedule.png, with
each user's waiting time under both orders.
"""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.lib.scheduler_simulation import GREEDY, Asked, Fair, FirstCome, Served, day, fewest_swaps, high, serve
from bench.lib.wait_chart import plot
from engine.host.scheduler import Schedule, Waiting

SEEDS = (1, 2, 3)
SWAPS = (5.0, 0.0)
"""Seconds that a change of model takes; at 0 first-in-first-out is not punished for its changes."""
PICTURE = Path("data/bench/schedule.png")
WAITING = 10_000


def others(jobs: Sequence[Asked], served: Served) -> list[float]:
    """Return the waiting times of all users but the greedy one."""
    return [wait for job, wait in zip(jobs, served.waits, strict=True) if job.user != GREEDY]


def by_person(jobs: Sequence[Asked], served: Served) -> dict[str, float]:
    """Return each user's 95th percentile of waiting."""
    waits = defaultdict(list)
    for job, wait in zip(jobs, served.waits, strict=True):
        waits[job.user].append(wait)
    return {user: high(each) if len(each) > 1 else each[0] for user, each in waits.items()}


def row(name: str, jobs: Sequence[Asked], served: Served) -> str:
    """Return a row of the table."""
    waits = others(jobs, served)
    theirs = [wait for job, wait in zip(jobs, served.waits, strict=True) if job.user == GREEDY]
    times = f"{statistics.median(waits):>8,.0f} {high(waits):>8,.0f} {max(waits):>8,.0f} {high(theirs):>11,.0f}"
    return f"  {name:<22} {times} {served.swaps:>7,}"


def compare(seed: int, swap: float) -> None:
    """Print both orders' figures for one simulated day."""
    jobs = day(seed)
    first, order = serve(jobs, FirstCome(), swap), Fair(jobs, swap)
    fair, fewest = serve(jobs, order, swap), fewest_swaps(jobs, swap)
    longest, share = order.nearest()
    print(f"day {seed}, a change of model takes {swap:g} s")
    print(row("first in, first out", jobs, first))
    print(row("engine.host.scheduler", jobs, fair))
    print(f"  others' p95 is {high(others(jobs, first)) / high(others(jobs, fair)):.0f} times shorter;", end=" ")
    print(f"changes of model: {fair.swaps / fewest:.2f} times the {fewest:,} of the best order found")
    print(f"  longest wait at the head of a line {longest:,.0f} s; nearest to its bound {share:.0%}")
    if (seed, swap) == (SEEDS[0], SWAPS[0]):
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        PICTURE.write_bytes(plot(by_person(jobs, first), by_person(jobs, fair)))


def cost_of_a_pick(user_of: Callable[[int], str], resident: str) -> list[float]:
    """Return the milliseconds of processor time of each of a thousand choices with WAITING jobs queued."""
    schedule = Schedule()
    for number in range(WAITING):
        schedule.join(Waiting(str(number), user_of(number), 4, number / 10, model="abc"[number % 3]), WAITING)
    times = []
    for number in range(1000):
        started = time.thread_time()
        (job,) = schedule.pick({resident}, WAITING + number)
        times.append((time.thread_time() - started) * 1000)
        schedule.finish_job(job, job.cost, job.cost, WAITING + number)
        schedule.join(Waiting(f"next{number}", job.user, 4, WAITING + number, model=job.model), WAITING + number)
    return times


def cost_of_the_places() -> float:
    """Return the milliseconds of processor time to compute everybody's position with WAITING jobs queued."""
    schedule = Schedule()
    for number in range(WAITING):
        schedule.join(Waiting(str(number), str(number % 200), 4, number / 10), WAITING)
    started = time.thread_time()
    assert sum(1 for _ in schedule.order(WAITING)) == WAITING
    return (time.thread_time() - started) * 1000


def main() -> None:
    """Print all figures."""
    print(f"  {'':<22} {'p50 s':>8} {'p95 s':>8} {'worst s':>8} {'greedy p95':>11} {'changes':>7}   of the others")
    for swap in SWAPS:
        for seed in SEEDS:
            compare(seed, swap)
    print(f"\na pick with {WAITING:,} waiting{'':<20} {'p50 ms':>8} {'p99 ms':>8} {'worst ms':>9}")
    lines: dict[str, Callable[[int], str]] = {
        "of 10,000 people": str,
        "of 200 people": lambda number: str(number % 200),
        "of one person": lambda _: "greedy",
    }
    for name, user_of in lines.items():
        for resident in ("a", "none of theirs"):
            times = cost_of_a_pick(user_of, resident)
            spread = f"{statistics.median(times):>8.3f} {statistics.quantiles(times, n=100)[-1]:>8.3f}"
            print(f"  {name}, resident {resident:<15} {spread} {max(times):>9.3f}")
    print(f"  everybody's place, four times a second at most: {cost_of_the_places():.0f} ms")
    print(f"\n{PICTURE}: waiting by person")


if __name__ == "__main__":
    main()
