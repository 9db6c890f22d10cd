"""The schedule is a pure function: properties over whatever line there may be."""

from hypothesis import given
from hypothesis import strategies as st

from engine.schedule import Waiting, order, pick

jobs = st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0.1, 100), st.floats(0, 1000)), max_size=30).map(
    lambda rows: [Waiting(str(n), user, cost, created) for n, (user, cost, created) in enumerate(rows)]
)
used = st.dictionaries(st.sampled_from("abcd"), st.floats(0, 1000))


@given(jobs, used)
def test_everybody_in_line_leaves_it_once(waiting: list[Waiting], usage: dict[str, float]) -> None:
    assert sorted(job.id for job in order(waiting, usage)) == sorted(job.id for job in waiting)


@given(jobs, used)
def test_one_person_is_served_in_the_order_of_asking(waiting: list[Waiting], usage: dict[str, float]) -> None:
    for user in "abcd":
        mine = [job.created for job in order(waiting, usage) if job.user == user]
        assert mine == sorted(mine)


@given(jobs, used)
def test_the_next_job_is_the_first_of_the_order(waiting: list[Waiting], usage: dict[str, float]) -> None:
    assert pick(waiting, usage) == next(order(waiting, usage), None)


def test_who_used_least_lately_goes_first() -> None:
    line = [Waiting("greedy", "a", 1, 0), Waiting("modest", "b", 1, 1)]
    assert [job.id for job in order(line, {"a": 50})] == ["modest", "greedy"]


def test_a_newcomer_goes_between_the_jobs_of_a_greedy_person() -> None:
    line = [Waiting(f"g{n}", "greedy", 1, n / 100) for n in range(5)] + [Waiting("new", "newcomer", 1, 1)]
    assert [job.id for job in order(line, {})].index("new") == 1


def test_waiting_long_enough_beats_any_use() -> None:
    line = [Waiting("old", "greedy", 1, 0), Waiting("new", "newcomer", 1, 10_000)]
    assert pick(line, {"greedy": 900}) == line[0]
