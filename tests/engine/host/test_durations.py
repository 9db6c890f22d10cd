"""Seconds left: learned, and left unsaid rather than silly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.host.durations import (
    MAX_RUN_CLASSES,
    MAX_SAMPLES,
    MAX_SPREAD,
    DurationEstimator,
    RunClass,
    round_wait,
    seconds_left,
)

KIND = RunClass("imagine", "pocket", "1 square", "cpu")


def after(*runs: float) -> DurationEstimator:
    times = DurationEstimator()
    for seconds in runs:
        times.remember(KIND, seconds)
    return times


def test_nothing_is_said_before_a_few_runs_of_the_kind() -> None:
    assert after(2, 2).estimate(KIND) is None
    assert after(2, 3, 2.5).estimate(KIND) == 2.5
    assert after(2, 3, 2.5).estimate(RunClass("imagine", "sdxl", "1 square", "cpu")) is None


def test_one_slow_run_changes_nothing_and_runs_that_differ_too_much_say_nothing() -> None:
    assert after(2, 2.2, 2.1, 60, 2).estimate(KIND) == pytest.approx(2.1)
    assert after(1, 10, 2, 40, 5).estimate(KIND) is None


def test_kinds_that_nobody_asks_for_any_more_are_forgotten() -> None:
    times = after(2, 2, 2)
    for number in range(MAX_RUN_CLASSES + 5):
        assert times.estimate(KIND) == 2
        other = RunClass("imagine", "pocket", f"{number} x {number}", "cpu")
        for _ in range(3):
            times.remember(other, 3)
        assert times.estimate(other) == 3
        times.remember(KIND, 2)
    assert len(times._runs) == len(times._usual) + 1 == MAX_RUN_CLASSES


def test_only_the_last_runs_count() -> None:
    assert after(*[100.0] * 50, *[2.0] * MAX_SAMPLES).estimate(KIND) == 2


def test_what_is_learnt_is_passed_on() -> None:
    heard: list[tuple[RunClass, float]] = []
    times = DurationEstimator()
    times.learnt = lambda kind, seconds: heard.append((kind, seconds))
    times.record(KIND, 3)
    times.remember(KIND, 4)
    assert heard == [(KIND, 3)]


def test_what_is_usual_is_told_first_and_the_runs_own_pace_more_and_more() -> None:
    assert seconds_left(10, 0, 0) == 10
    assert seconds_left(10, 0.5, 7) == pytest.approx(6)
    assert seconds_left(10, 0.9, 10.8) == pytest.approx(1.18)


def test_nothing_is_said_where_it_would_be_silly() -> None:
    assert seconds_left(None, 0.5, 3) is None
    assert seconds_left(10, 0.5, 30) is None
    assert seconds_left(10, 0.98, 10) is None


@given(st.floats(0.1, 1e4), st.floats(0, 1), st.floats(0, 1e5))
def test_what_is_said_is_never_negative_nor_far_from_what_is_usual(
    usual: float, fraction: float, worked: float
) -> None:
    left = seconds_left(usual, fraction, worked)
    assert left is None or 1 <= left <= MAX_SPREAD * usual * (1 - fraction) + 1e-6


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.3, None), (1, 5), (8, 10), (58, 60), (100, 90), (580, 570), (3000, 3000), (1e6, None)]
)
def test_waits_are_told_in_coarse_steps(seconds: float, told: float | None) -> None:
    assert round_wait(seconds) == told
