"""How long runs take, learned from past ones of the same kind: where that is not known well, nothing is said."""

import statistics
from collections import OrderedDict, deque
from collections.abc import Callable, Collection
from dataclasses import dataclass

MAX_SAMPLES = 20
"""Runs of a kind that count."""
MAX_RUN_CLASSES = 1000
"""Kinds that are known at once; the one that was run the longest ago goes."""
MIN_SAMPLES = 3
"""Runs of a kind from which on anything is said."""
MAX_SPREAD = 2.0
"""How many times the lower quartile the upper one may be, and a run its usual time, for a word to be worth saying."""


@dataclass(frozen=True)
class RunClass:
    """Runs that take about the same: the task, its model, its own word for the size of the work, and the device."""

    task: str
    model: str
    size: str
    device: str


class DurationEstimator:
    """Device-seconds of the last runs by kind. `learnt`, where it is set, hears of each new one."""

    def __init__(self) -> None:
        self.learnt: Callable[[RunClass, float], None] | None = None
        self._runs: OrderedDict[RunClass, deque[float]] = OrderedDict()
        self._usual: dict[RunClass, float | None] = {}

    def remember(self, kind: RunClass, seconds: float) -> None:
        """A run that is already known, oldest first."""
        self._runs.setdefault(kind, deque(maxlen=MAX_SAMPLES)).append(seconds)
        self._runs.move_to_end(kind)
        self._usual.pop(kind, None)
        if len(self._runs) > MAX_RUN_CLASSES:
            forgotten, _ = self._runs.popitem(last=False)
            self._usual.pop(forgotten, None)

    def record(self, kind: RunClass, seconds: float) -> None:
        """A run that just ended well; of a run that several jobs shared, one's share."""
        self.remember(kind, seconds)
        if self.learnt is not None:
            self.learnt(kind, seconds)

    def estimate(self, kind: RunClass) -> float | None:
        """The median in device-seconds; None after too few runs, or where they differ too much."""
        if kind not in self._runs:
            return None
        if kind not in self._usual:
            self._usual[kind] = _estimate(self._runs[kind])
        return self._usual[kind]


def _estimate(runs: Collection[float]) -> float | None:
    if len(runs) < MIN_SAMPLES:
        return None
    low, middle, high = statistics.quantiles(runs, n=4, method="inclusive")
    return middle if high <= MAX_SPREAD * low else None


def seconds_left(expected: float | None, fraction: float, worked: float) -> float | None:
    """Until the end of a run that is `fraction` done after `worked` seconds; None where anything said would be silly.

    What is usual, and ever more this run's own pace; where the two contradict each other, neither.
    """
    if expected is None:
        return None
    left = expected * (1 - fraction)
    if fraction >= 0.2:
        own = worked * (1 - fraction) / fraction
        if not left / MAX_SPREAD <= own <= left * MAX_SPREAD:
            return None
        left += (own - left) * fraction
    return left if left >= 1 else None


def round_wait(seconds: float) -> float | None:
    """A wait as it is told: to five seconds, half minutes, minutes; None where it is hardly one, or over a day."""
    for bound, step in ((60, 5), (600, 30), (86400, 60)):
        if seconds <= bound:
            return float(max(round(seconds / step) * step, step)) if seconds >= 1 else None
    return None
