"""Properties of the scheduler, over arbitrary queues."""

from collections import defaultdict
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.host.fair_share import HALF_LIFE_SECONDS, Usage
from engine.host.scheduler import MAX_QUEUE_JUMPS, USAGE_WEIGHT, Schedule, Waiting
from tests.timing import thread_seconds

USERS, MODELS = "abcd", ("m", "n", None)

jobs = st.lists(
    st.tuples(st.sampled_from(USERS), st.floats(0.1, 100), st.floats(0, 1000), st.sampled_from(MODELS)), max_size=30
).map(lambda rows: [Waiting(str(n), user, cost, created, model=m) for n, (user, cost, created, m) in enumerate(rows)])
used = st.dictionaries(st.sampled_from(USERS), st.floats(0, 1000))
resident = st.sets(st.sampled_from(["m", "n"]))


def schedule_of(waiting: Iterable[Waiting], usage: dict[str, float], now: float = 1000) -> Schedule:
    """Return a schedule with these jobs and device-seconds by user."""
    schedule = Schedule()
    for user, seconds in usage.items():
        schedule.charge(user, seconds, now)
    for job in sorted(waiting, key=lambda job: job.created):
        schedule.join(job, now)
    return schedule


def run_all(schedule: Schedule, resident: Iterable[str] = (), now: float = 1000) -> list[Waiting]:
    """Run all jobs on one device, which keeps the model of the last job, and return them in order."""
    picked, held = list[Waiting](), set(resident)
    while chosen := schedule.pick(held, now):
        for job in chosen:
            now += job.cost / len(chosen)
        for job in chosen:
            schedule.finish_job(job, job.cost / len(chosen), job.cost / len(chosen), now)
            held = {job.model} if job.model else held
        picked += chosen
    return picked


@given(jobs, used, resident)
def test_every_job_runs_once(waiting: list[Waiting], usage: dict[str, float], held: set[str]) -> None:
    schedule = schedule_of(waiting, usage)
    assert sorted(job.id for job in schedule.order(1000)) == sorted(job.id for job in waiting)
    assert sorted(job.id for job in run_all(schedule, held)) == sorted(job.id for job in waiting)
    assert len(schedule) == 0


@given(jobs, used, resident)
def test_jobs_of_one_user_run_in_order_of_submission(
    waiting: list[Waiting], usage: dict[str, float], held: set[str]
) -> None:
    left = run_all(schedule_of(waiting, usage), held)
    for user in USERS:
        mine = [job.created for job in left if job.user == user]
        assert mine == sorted(mine)


@given(jobs, used)
def test_the_announced_order_holds_for_jobs_without_models(waiting: list[Waiting], usage: dict[str, float]) -> None:
    plain = [Waiting(job.id, job.user, job.cost, job.created) for job in waiting]
    schedule = schedule_of(plain, usage)
    announced = [job.id for job in schedule.order(1000)]
    assert announced[:1] == [job.id for job in schedule.pick((), 1000)]
    assert announced == [job.id for job in run_all(schedule_of(plain, usage))]


def test_the_user_with_the_least_recent_usage_goes_first() -> None:
    queue = [Waiting("greedy", "a", 1, 0), Waiting("modest", "b", 1, 1)]
    assert [job.id for job in run_all(schedule_of(queue, {"a": 50}, now=1))] == ["modest", "greedy"]


def test_a_newcomer_runs_between_the_jobs_of_a_heavy_user() -> None:
    queue = [Waiting(f"g{n}", "greedy", 1, n / 100) for n in range(5)] + [Waiting("new", "newcomer", 1, 1)]
    assert [job.id for job in run_all(schedule_of(queue, {}, now=1))].index("new") == 1


def test_waiting_long_enough_outweighs_any_usage() -> None:
    schedule = schedule_of([Waiting("old", "greedy", 1, 0)], {"greedy": 900}, now=0)
    schedule.join(Waiting("new", "newcomer", 1, 10_000), 10_000)
    assert schedule.pick((), 10_000)[0].id == "old"


def test_only_the_first_job_of_a_user_ages() -> None:
    """A hundred old jobs of one user do not all overtake a newcomer."""
    schedule = schedule_of([Waiting(f"g{n}", "greedy", 10, 0) for n in range(100)], {}, now=0)
    first = [schedule.pick((), 10_000)[0]]
    schedule.join(Waiting("new", "newcomer", 10, 10_000), 10_000)
    assert [*first, *run_all(schedule, now=10_000)][1].id == "new"


def test_a_greater_weight_gives_a_larger_share() -> None:
    queue = [
        Waiting(f"{user}{n}", user, 1, 0, weight=weight) for user, weight in (("a", 3), ("b", 1)) for n in range(60)
    ]
    first = run_all(schedule_of(queue, {"a": 100, "b": 100}, now=0), now=0)[:40]
    assert sum(job.user == "a" for job in first) >= 27


def test_the_actual_seconds_of_a_job_are_charged() -> None:
    schedule = schedule_of([Waiting("a1", "a", 1, 0), Waiting("b1", "b", 5, 0)], {}, now=0)
    for seconds in (50.0, 5.0):
        (job,) = schedule.pick((), 0)
        schedule.finish_job(job, job.cost, seconds, 0)
    schedule.join(Waiting("a2", "a", 1, 1), 1)
    schedule.join(Waiting("b2", "b", 1, 2), 2)
    assert schedule.pick((), 2)[0].id == "b2"


def test_a_job_with_a_resident_model_jumps_ahead() -> None:
    queue = [Waiting("n", "a", 1, 0, model="n"), Waiting("m", "b", 1, 1, model="m")]
    assert schedule_of(queue, {}, now=1).pick({"m"}, 1)[0].id == "m"
    assert schedule_of(queue, {}, now=1).pick({"m", "n"}, 1)[0].id == "n"


def test_a_job_is_overtaken_a_bounded_number_of_times() -> None:
    schedule = schedule_of([Waiting("n", "a", 1, 0, model="n")], {}, now=0)
    for number in range(100):
        schedule.join(Waiting(f"m{number}", f"u{number}", 1, 1, model="m"), 1)
    assert [job.id for job in run_all(schedule, {"m"}, now=1)].index("n") == MAX_QUEUE_JUMPS


def test_no_job_jumps_further_than_the_bound() -> None:
    schedule = Schedule()
    for number in range(MAX_QUEUE_JUMPS + 1):
        schedule.join(Waiting(f"n{number}", f"u{number}", 1, number, model="n"), 100)
    schedule.join(Waiting("m", "m", 1, 99, model="m"), 100)
    assert schedule.pick({"m"}, 100)[0].id == "n0"


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.floats(0.5, 20), st.floats(0, 300), st.sampled_from(MODELS)),
        min_size=1,
        max_size=60,
    ),
    used,
)
def test_no_head_waits_beyond_the_bound(
    rows: list[tuple[str, float, float, str | None]], usage: dict[str, float]
) -> None:
    """The bound that the docstring of engine/host/scheduler.py derives, for one device."""
    coming = sorted((created, str(n), user, cost, model) for n, (user, cost, created, model) in enumerate(rows))
    schedule, known, now = Schedule(), Usage(), 0.0
    for user, seconds in usage.items():
        schedule.charge(user, seconds, 0)
        known.add(user, seconds, 0)
    first_at, freed = dict[str, tuple[float, float]](), dict[str, float]()
    queues: defaultdict[str, list[Waiting]] = defaultdict(list)
    longest = max(cost for _, cost, _, _ in rows)
    held: set[str] = set()
    while coming or len(schedule):
        if not len(schedule):
            now = max(now, coming[0][0])
        while coming and coming[0][0] <= now:
            created, name, user, cost, model = coming.pop(0)
            job = Waiting(name, user, cost, created, model=model)
            schedule.join(job, created)
            if not queues[user]:
                first_at[name] = (created, known.decayed_usage(user, created))
            queues[user].append(job)
        (chosen,) = schedule.pick(held, now)
        since, use = first_at[chosen.id]
        assert now - since <= USAGE_WEIGHT * use + (len("abcdef") + MAX_QUEUE_JUMPS) * longest
        held = {chosen.model} if chosen.model else held
        known.add(chosen.user, chosen.cost, now)
        queues[chosen.user].remove(chosen)
        if queues[chosen.user]:
            first_at[queues[chosen.user][0].id] = (now, known.decayed_usage(chosen.user, now))
        freed[chosen.id] = now = now + chosen.cost
        schedule.finish_job(chosen, chosen.cost, chosen.cost, now)


def test_only_jobs_of_the_same_batch_run_together() -> None:
    queue = [Waiting(f"x{n}", f"u{n}", 1, n, batch="x") for n in range(5)]
    queue += [Waiting("other", "u", 1, 2.5, batch="y"), Waiting("alone", "v", 1, 2.7)]
    schedule = schedule_of(queue, {}, now=10)
    assert [[job.id for job in schedule.pick((), 10, lambda _: 3)] for _ in range(4)] == [
        ["x0", "x1", "x2"],
        ["other"],
        ["alone"],
        ["x3", "x4"],
    ]


def test_a_batch_stops_growing_at_the_time_limit() -> None:
    schedule = schedule_of([Waiting(f"x{n}", f"u{n}", 1.5, n, batch="x") for n in range(5)], {}, now=10)
    assert [job.id for job in schedule.pick((), 10, lambda _: 16)] == ["x0", "x1"]
    slow = schedule_of([Waiting(f"x{n}", f"u{n}", 60, n, batch="x") for n in range(5)], {}, now=10)
    assert [job.id for job in slow.pick((), 10, lambda _: 16)] == ["x0"]


def test_a_batch_of_one_user_is_charged_as_one_run() -> None:
    schedule = schedule_of([Waiting(f"a{n}", "a", 0.8, n, batch="x") for n in range(4)], {}, now=10)
    assert [job.id for job in schedule.pick((), 10, lambda _: 4)] == ["a0", "a1", "a2", "a3"]
    schedule.join(Waiting("a", "a", 1, 10), 10)
    schedule.charge("b", 0.9, 10)
    schedule.join(Waiting("b", "b", 1, 10), 10)
    assert schedule.pick((), 10)[0].id == "a"


def test_a_user_at_the_limit_waits_until_a_job_ends() -> None:
    queue = [Waiting(f"a{n}", "a", 1, n, max_running=2) for n in range(3)] + [Waiting("b", "b", 1, 9)]
    schedule = schedule_of(queue, {}, now=10)
    running = [schedule.pick((), 10)[0] for _ in range(3)]
    assert sorted(job.id for job in running) == ["a0", "a1", "b"]
    assert schedule.pick((), 10) == ()
    schedule.finish_job(running[0], 1, 1, 11)
    assert schedule.pick((), 11)[0].id == "a2"


def test_a_bumped_job_goes_first_and_is_not_overtaken() -> None:
    queue = [Waiting(f"a{n}", "a", 1, n, model="n") for n in range(3)] + [Waiting("b", "b", 1, 9, model="m")]
    schedule = schedule_of(queue, {"a": 500}, now=10)
    assert schedule.bump("a2", 10)
    assert schedule.bump("a1", 10)
    assert not schedule.bump("nobody", 10)
    assert [job.id for job in schedule.order(10)] == ["a2", "a1", "b", "a0"]
    assert [schedule.pick({"m"}, 10)[0].id for _ in range(2)] == ["a2", "a1"]


def test_a_removed_job_never_runs_and_the_next_inherits_its_age() -> None:
    schedule = schedule_of([Waiting("a0", "a", 1, 0), Waiting("a1", "a", 1, 1)], {}, now=0)
    schedule.join(Waiting("b", "b", 1, 50), 50)
    assert schedule.leave("a0", 60)
    assert not schedule.leave("a0", 60)
    assert [job.id for job in run_all(schedule, now=60)] == ["a1", "b"]


def test_a_job_that_is_queued_again_keeps_its_place() -> None:
    schedule = schedule_of([Waiting(f"a{n}", "a", 1, n) for n in range(3)], {}, now=5)
    (job,) = schedule.pick((), 5)
    schedule.finish_job(job, 1, 1, 6)
    schedule.join(job, 6)
    assert [job.id for job in run_all(schedule, now=6)] == ["a0", "a1", "a2"]


def test_usage_decays_by_half_and_is_dropped() -> None:
    usage = Usage()
    usage.add("a", 64, 0)
    assert usage.decayed_usage("a", HALF_LIFE_SECONDS) == 32
    usage.forget(20 * HALF_LIFE_SECONDS)
    assert usage.decayed_usage("a", 0) == 0


@pytest.mark.parametrize("user_of", [str, lambda n: str(n % 200), lambda _: "greedy"])
def test_ten_thousand_queued_jobs_all_run(user_of: Callable[[int], str]) -> None:
    """It takes seconds, not minutes: `bench/schedule.py` measures 1 ms a pick."""
    queue = [Waiting(str(n), user_of(n), 1, n / 10, model="mno"[n % 3]) for n in range(10_000)]
    order = list[object]()
    assert thread_seconds(lambda: order.extend(run_all(schedule_of(queue, {})))) < 60
    assert len(order) == 10_000
