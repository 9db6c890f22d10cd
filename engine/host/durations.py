"""Estimates of how long runs take, learned from past runs of the same class. Without a good estimate there is none."""

import statistics
from collections import OrderedDict, deque
from collections.abc import Callable, Collection
from dataclasses import dataclass

MAX_SAMPLES = 20
"""Latest runs of a class that an estimate is based on."""
MAX_RUN_CLASSES = 1000
"""Classes that are remembered. The one that ran the longest ago is dropped first."""
MIN_SAMPLES = 3
"""Runs of a class that an estimate needs."""
MAX_SPREAD = 2.0
"""Greatest ratio, for a useful estimate, of the upper to the lower quartile, and of a run's own pace to the estimate.
"""


@dataclass(frozen=True)
class RunClass:
    """Runs that take about the same time: same task, model, device and amount of work."""

    task: str
    model: str
    #: The task's own description of the amount of work, from `Task.workload_class`.
    size: str
    device: str


class DurationEstimator:
    """The device-seconds of the latest runs of each class. `on_record`, if set, is called with each new run."""

    def __init__(self) -> None:
        self.on_record: Callable[[RunClass, float], None] | None = None
        self._runs: OrderedDict[RunClass, deque[float]] = OrderedDict()
        self._estimates: dict[RunClass, float | None] = {}

    def add(self, kind: RunClass, seconds: float) -> None:
        """Add a past run without calling `on_record`. Add the oldest run first."""
        self._runs.setdefault(kind, deque(maxlen=MAX_SAMPLES)).append(seconds)
        self._runs.move_to_end(kind)
        self._estimates.pop(kind, None)
        if len(self._runs) > MAX_RUN_CLASSES:
            dropped, _ = self._runs.popitem(last=False)
            self._estimates.pop(dropped, None)

    def record(self, kind: RunClass, seconds: float) -> None:
        """Add a run that has just succeeded. For a batch, `seconds` is one job's share of it."""
        self.add(kind, seconds)
        if self.on_record is not None:
            self.on_record(kind, seconds)

    def estimate(self, kind: RunClass) -> float | None:
        """Return the median in device-seconds, or None after too few runs or if they differ too much."""
        if kind not in self._runs:
            return None
        if kind not in self._estimates:
            self._estimates[kind] = _median_if_stable(self._runs[kind])
        return self._estimates[kind]


def _median_if_stable(runs: Collection[float]) -> float | None:
    if len(runs) < MIN_SAMPLES:
        return None
    low, middle, high = statistics.quantiles(runs, n=4, method="inclusive")
    return middle if high <= MAX_SPREAD * low else None


def seconds_left(expected: float | None, fraction: float, worked: float) -> float | None:
    """Return the seconds until a run ends that is `fraction` (0 to 1) done after `worked` seconds.

    The result moves from the estimate for its class (`expected`, in seconds) to the run's own pace as the run goes on.
    Returns None if there is no estimate, if it and the pace contradict each other, or if less than a second is left.
    """
    if expected is None:
        return None
    left = expected * (1 - fraction)
    if fraction >= 0.2:
        at_own_pace = worked * (1 - fraction) / fraction
        if not left / MAX_SPREAD <= at_own_pace <= left * MAX_SPREAD:
            return None
        left += (at_own_pace - left) * fraction
    return left if left >= 1 else None


def round_wait(seconds: float) -> float | None:
    """Round a wait for display: to 5 seconds, half minutes or minutes. Returns None under a second or over a day."""
    for bound, step in ((60, 5), (600, 30), (86400, 60)):
        if seconds <= bound:
            return float(max(round(seconds / step) * step, step)) if seconds >= 1 else None
    return None
