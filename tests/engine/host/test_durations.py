"""Estimates of durations, and when there is none."""

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


def estimator_after(*runs: float) -> DurationEstimator:
    """Return an estimator that knows these runs, in seconds."""
    durations = DurationEstimator()
    for seconds in runs:
        durations.add(KIND, seconds)
    return durations


def test_there_is_no_estimate_before_a_few_runs_of_the_class() -> None:
    assert estimator_after(2, 2).estimate(KIND) is None
    assert estimator_after(2, 3, 2.5).estimate(KIND) == 2.5
    assert estimator_after(2, 3, 2.5).estimate(RunClass("imagine", "sdxl", "1 square", "cpu")) is None


def test_one_slow_run_is_ignored_and_widely_spread_runs_give_no_estimate() -> None:
    assert estimator_after(2, 2.2, 2.1, 60, 2).estimate(KIND) == pytest.approx(2.1)
    assert estimator_after(1, 10, 2, 40, 5).estimate(KIND) is None


def test_the_least_recently_used_classes_are_dropped() -> None:
    durations = estimator_after(2, 2, 2)
    for number in range(MAX_RUN_CLASSES + 5):
        assert durations.estimate(KIND) == 2
        other = RunClass("imagine", "pocket", f"{number} x {number}", "cpu")
        for _ in range(3):
            durations.add(other, 3)
        assert durations.estimate(other) == 3
        durations.add(KIND, 2)
    assert len(durations._runs) == len(durations._estimates) + 1 == MAX_RUN_CLASSES


def test_only_the_latest_runs_count() -> None:
    assert estimator_after(*[100.0] * 50, *[2.0] * MAX_SAMPLES).estimate(KIND) == 2


def test_recorded_runs_are_passed_on_and_added_ones_are_not() -> None:
    recorded: list[tuple[RunClass, float]] = []
    durations = DurationEstimator()
    durations.on_record = lambda kind, seconds: recorded.append((kind, seconds))
    durations.record(KIND, 3)
    durations.add(KIND, 4)
    assert recorded == [(KIND, 3)]


def test_the_estimate_gives_way_to_the_runs_own_pace() -> None:
    assert seconds_left(10, 0, 0) == 10
    assert seconds_left(10, 0.5, 7) == pytest.approx(6)
    assert seconds_left(10, 0.9, 10.8) == pytest.approx(1.18)


def test_there_is_no_remaining_time_when_it_would_mislead() -> None:
    assert seconds_left(None, 0.5, 3) is None
    assert seconds_left(10, 0.5, 30) is None
    assert seconds_left(10, 0.98, 10) is None


@given(st.floats(0.1, 1e4), st.floats(0, 1), st.floats(0, 1e5))
def test_the_remaining_time_is_positive_and_near_the_estimate(expected: float, fraction: float, worked: float) -> None:
    left = seconds_left(expected, fraction, worked)
    assert left is None or 1 <= left <= MAX_SPREAD * expected * (1 - fraction) + 1e-6


@pytest.mark.parametrize(
    ("seconds", "rounded"), [(0.3, None), (1, 5), (8, 10), (58, 60), (100, 90), (580, 570), (3000, 3000), (1e6, None)]
)
def test_waits_are_rounded_to_coarse_steps(seconds: float, rounded: float | None) -> None:
    assert round_wait(seconds) == rounded
