"""The schedule is a state machine without a clock: properties over whatever line there may be."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.host.fair_share import HALF_LIFE_SECONDS, Usage
from engine.host.scheduler import MAX_QUEUE_JUMPS, USAGE_WEIGHT, Schedule, Waiting

PEOPLE, MODELS = "abcd", ("m", "n", None)

jobs = st.lists(
    st.tuples(st.sampled_from(PEOPLE), st.floats(0.1, 100), st.floats(0, 1000), st.sampled_from(MODELS)), max_size=30
).map(lambda rows: [Waiting(str(n), user, cost, created, model=m) for n, (user, cost, created, m) in enumerate(rows)])
used = st.dictionaries(st.sampled_from(PEOPLE), st.floats(0, 1000))
resident = st.sets(st.sampled_from(["m", "n"]))


def lined(waiting: Iterable[Waiting], usage: dict[str, float], now: float = 1000) -> Schedule:
    schedule = Schedule()
    for user, seconds in usage.items():
        schedule.charge(user, seconds, now)
    for job in sorted(waiting, key=lambda job: job.created):
        schedule.join(job, now)
    return schedule


def drained(schedule: Schedule, resident: Iterable[str] = (), now: float = 1000) -> list[Waiting]:
    """What is picked, one after the other on one device that keeps the model that it had."""
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
def test_everybody_in_line_leaves_it_once(waiting: list[Waiting], usage: dict[str, float], held: set[str]) -> None:
    schedule = lined(waiting, usage)
    assert sorted(job.id for job in schedule.order(1000)) == sorted(job.id for job in waiting)
    assert sorted(job.id for job in drained(schedule, held)) == sorted(job.id for job in waiting)
    assert len(schedule) == 0


@given(jobs, used, resident)
def test_one_person_is_served_in_the_order_of_asking(
    waiting: list[Waiting], usage: dict[str, float], held: set[str]
) -> None:
    left = drained(lined(waiting, usage), held)
    for user in PEOPLE:
        mine = [job.created for job in left if job.user == user]
        assert mine == sorted(mine)


@given(jobs, used)
def test_the_order_that_is_told_is_the_one_that_comes_where_no_model_is_needed(
    waiting: list[Waiting], usage: dict[str, float]
) -> None:
    plain = [Waiting(job.id, job.user, job.cost, job.created) for job in waiting]
    schedule = lined(plain, usage)
    told = [job.id for job in schedule.order(1000)]
    assert told[:1] == [job.id for job in schedule.pick((), 1000)]
    assert told == [job.id for job in drained(lined(plain, usage))]


def test_who_used_least_lately_goes_first() -> None:
    line = [Waiting("greedy", "a", 1, 0), Waiting("modest", "b", 1, 1)]
    assert [job.id for job in drained(lined(line, {"a": 50}, now=1))] == ["modest", "greedy"]


def test_a_newcomer_goes_between_the_jobs_of_a_greedy_person() -> None:
    line = [Waiting(f"g{n}", "greedy", 1, n / 100) for n in range(5)] + [Waiting("new", "newcomer", 1, 1)]
    assert [job.id for job in drained(lined(line, {}, now=1))].index("new") == 1


def test_waiting_long_enough_beats_any_use() -> None:
    schedule = lined([Waiting("old", "greedy", 1, 0)], {"greedy": 900}, now=0)
    schedule.join(Waiting("new", "newcomer", 1, 10_000), 10_000)
    assert schedule.pick((), 10_000)[0].id == "old"


def test_a_long_line_does_not_age_as_a_whole() -> None:
    """Only the first of a person's jobs ages: a thousand old jobs do not pass a newcomer together."""
    schedule = lined([Waiting(f"g{n}", "greedy", 10, 0) for n in range(100)], {}, now=0)
    first = [schedule.pick((), 10_000)[0]]
    schedule.join(Waiting("new", "newcomer", 10, 10_000), 10_000)
    assert [*first, *drained(schedule, now=10_000)][1].id == "new"


def test_a_heavier_person_gets_a_larger_share() -> None:
    line = [
        Waiting(f"{user}{n}", user, 1, 0, weight=weight) for user, weight in (("a", 3), ("b", 1)) for n in range(60)
    ]
    first = drained(lined(line, {"a": 100, "b": 100}, now=0), now=0)[:40]
    assert sum(job.user == "a" for job in first) >= 27


def test_what_a_job_really_took_is_charged() -> None:
    schedule = lined([Waiting("a1", "a", 1, 0), Waiting("b1", "b", 5, 0)], {}, now=0)
    for took in (50.0, 5.0):
        (job,) = schedule.pick((), 0)
        schedule.finish_job(job, job.cost, took, 0)
    schedule.join(Waiting("a2", "a", 1, 1), 1)
    schedule.join(Waiting("b2", "b", 1, 2), 2)
    assert schedule.pick((), 2)[0].id == "b2"


def test_a_job_whose_model_is_resident_jumps() -> None:
    line = [Waiting("n", "a", 1, 0, model="n"), Waiting("m", "b", 1, 1, model="m")]
    assert lined(line, {}, now=1).pick({"m"}, 1)[0].id == "m"
    assert lined(line, {}, now=1).pick({"m", "n"}, 1)[0].id == "n"


def test_one_job_is_jumped_over_a_bounded_number_of_times() -> None:
    schedule = lined([Waiting("n", "a", 1, 0, model="n")], {}, now=0)
    for number in range(100):
        schedule.join(Waiting(f"m{number}", f"u{number}", 1, 1, model="m"), 1)
    assert [job.id for job in drained(schedule, {"m"}, now=1)].index("n") == MAX_QUEUE_JUMPS


def test_nobody_jumps_further_than_the_bound() -> None:
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
def test_nobody_who_is_first_in_their_line_waits_beyond_the_bound(
    rows: list[tuple[str, float, float, str | None]], usage: dict[str, float]
) -> None:
    """One device; the bound is the one that engine/host/scheduler.py proves, for every job and whatever comes."""
    coming = sorted((created, str(n), user, cost, model) for n, (user, cost, created, model) in enumerate(rows))
    schedule, known, now = Schedule(), Usage(), 0.0
    for user, seconds in usage.items():
        schedule.charge(user, seconds, 0)
        known.add(user, seconds, 0)
    first_at, freed = dict[str, tuple[float, float]](), dict[str, float]()
    lines: defaultdict[str, list[Waiting]] = defaultdict(list)
    longest = max(cost for _, cost, _, _ in rows)
    held: set[str] = set()
    while coming or len(schedule):
        if not len(schedule):
            now = max(now, coming[0][0])
        while coming and coming[0][0] <= now:
            created, name, user, cost, model = coming.pop(0)
            job = Waiting(name, user, cost, created, model=model)
            schedule.join(job, created)
            if not lines[user]:
                first_at[name] = (created, known.decayed_usage(user, created))
            lines[user].append(job)
        (chosen,) = schedule.pick(held, now)
        since, use = first_at[chosen.id]
        assert now - since <= USAGE_WEIGHT * use + (len("abcdef") + MAX_QUEUE_JUMPS) * longest
        held = {chosen.model} if chosen.model else held
        known.add(chosen.user, chosen.cost, now)
        lines[chosen.user].remove(chosen)
        if lines[chosen.user]:
            first_at[lines[chosen.user][0].id] = (now, known.decayed_usage(chosen.user, now))
        freed[chosen.id] = now = now + chosen.cost
        schedule.finish_job(chosen, chosen.cost, chosen.cost, now)


def test_jobs_that_can_share_a_batch_leave_together_and_no_others() -> None:
    line = [Waiting(f"x{n}", f"u{n}", 1, n, batch="x") for n in range(5)]
    line += [Waiting("other", "u", 1, 2.5, batch="y"), Waiting("alone", "v", 1, 2.7)]
    schedule = lined(line, {}, now=10)
    assert [[job.id for job in schedule.pick((), 10, lambda _: 3)] for _ in range(4)] == [
        ["x0", "x1", "x2"],
        ["other"],
        ["alone"],
        ["x3", "x4"],
    ]


def test_jobs_share_a_run_only_while_it_is_short() -> None:
    schedule = lined([Waiting(f"x{n}", f"u{n}", 1.5, n, batch="x") for n in range(5)], {}, now=10)
    assert [job.id for job in schedule.pick((), 10, lambda _: 16)] == ["x0", "x1"]
    slow = lined([Waiting(f"x{n}", f"u{n}", 60, n, batch="x") for n in range(5)], {}, now=10)
    assert [job.id for job in slow.pick((), 10, lambda _: 16)] == ["x0"]


def test_one_persons_jobs_share_a_batch_and_are_charged_one_run() -> None:
    schedule = lined([Waiting(f"a{n}", "a", 0.8, n, batch="x") for n in range(4)], {}, now=10)
    assert [job.id for job in schedule.pick((), 10, lambda _: 4)] == ["a0", "a1", "a2", "a3"]
    schedule.join(Waiting("a", "a", 1, 10), 10)
    schedule.charge("b", 0.9, 10)
    schedule.join(Waiting("b", "b", 1, 10), 10)
    assert schedule.pick((), 10)[0].id == "a"


def test_a_person_at_the_cap_waits_until_one_of_theirs_ends() -> None:
    line = [Waiting(f"a{n}", "a", 1, n, at_once=2) for n in range(3)] + [Waiting("b", "b", 1, 9)]
    schedule = lined(line, {}, now=10)
    running = [schedule.pick((), 10)[0] for _ in range(3)]
    assert sorted(job.id for job in running) == ["a0", "a1", "b"]
    assert schedule.pick((), 10) == ()
    schedule.finish_job(running[0], 1, 1, 11)
    assert schedule.pick((), 11)[0].id == "a2"


def test_a_bumped_job_goes_before_everybody_and_nobody_jumps_over_it() -> None:
    line = [Waiting(f"a{n}", "a", 1, n, model="n") for n in range(3)] + [Waiting("b", "b", 1, 9, model="m")]
    schedule = lined(line, {"a": 500}, now=10)
    assert schedule.bump("a2", 10)
    assert schedule.bump("a1", 10)
    assert not schedule.bump("nobody", 10)
    assert [job.id for job in schedule.order(10)] == ["a2", "a1", "b", "a0"]
    assert [schedule.pick({"m"}, 10)[0].id for _ in range(2)] == ["a2", "a1"]


def test_a_job_that_leaves_is_never_picked_and_the_next_of_its_line_keeps_its_age() -> None:
    schedule = lined([Waiting("a0", "a", 1, 0), Waiting("a1", "a", 1, 1)], {}, now=0)
    schedule.join(Waiting("b", "b", 1, 50), 50)
    assert schedule.leave("a0", 60)
    assert not schedule.leave("a0", 60)
    assert [job.id for job in drained(schedule, now=60)] == ["a1", "b"]


def test_a_job_that_comes_back_stands_where_it_stood() -> None:
    schedule = lined([Waiting(f"a{n}", "a", 1, n) for n in range(3)], {}, now=5)
    (job,) = schedule.pick((), 5)
    schedule.finish_job(job, 1, 1, 6)
    schedule.join(job, 6)
    assert [each.id for each in drained(schedule, now=6)] == ["a0", "a1", "a2"]


def test_use_fades_by_half_and_is_forgotten() -> None:
    usage = Usage()
    usage.add("a", 64, 0)
    assert usage.decayed_usage("a", HALF_LIFE_SECONDS) == 32
    usage.forget(20 * HALF_LIFE_SECONDS)
    assert usage.decayed_usage("a", 0) == 0


@pytest.mark.parametrize("user_of", [str, lambda n: str(n % 200), lambda _: "greedy"])
def test_ten_thousand_that_wait_are_all_served(user_of: Callable[[int], str]) -> None:
    """That this takes seconds and not minutes is what `bench/schedule.py` measures: 1 ms a pick."""
    line = [Waiting(str(n), user_of(n), 1, n / 10, model="mno"[n % 3]) for n in range(10_000)]
    begun = time.monotonic()
    assert len(drained(lined(line, {}))) == 10_000
    assert time.monotonic() - begun < 60
