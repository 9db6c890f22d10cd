"""Report the progress of a film from several threads: the stage, the scene and the seconds left."""

import threading
import time
from collections.abc import Mapping

from engine.tasks.film.film import Film
from engine.worker.context import Context

UPDATE_SECONDS = 0.4
"""Minimum time between two progress updates."""
FILM_SHARES = {"drawn": 0.35, "spoken": 0.1, "filmed": 0.5}
"""Share of the work for each kind of stage of a film. The rest is for mixing the sound and joining."""
STORYBOARD_SHARES = {"drawn": 0.97}
"""The same for a storyboard, which only needs pictures."""
SCENE_STAGES = {
    "drawing": "drawing scene {scene} of {count}",
    "speaking": "creating the voice for scene {scene} of {count}",
    "filming": "rendering scene {scene} of {count}",
    "moving": "animating scene {scene} of {count}",
}
"""Progress messages for a film of several scenes."""
SINGLE_SCENE_STAGES = {
    "drawing": "drawing",
    "speaking": "speaking",
    "filming": "rendering",
    "moving": "animating",
}
"""Progress messages for a film of one scene."""
MIN_SHARE_FOR_ESTIMATE = 0.08
"""Share of the work that must be done before the time left is estimated."""


class FilmProgress:
    """The progress of one film. Methods that publish an update raise Cancelled if the job was cancelled."""

    def __init__(self, context: Context, film: Film, shares: Mapping[str, float] = FILM_SHARES) -> None:
        self._context = context
        self._shares = shares
        self._count = len(film.scenes)
        self._done = dict.fromkeys(shares, 0.0)
        self._cached_share = 0.0
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._last_update = self._started
        self._stage = ("drawing", 1)
        self._start = 0.0

    def start_stage(self, what: str, scene: int) -> None:
        """Report that a stage, one of SCENE_STAGES, starts for a scene, counted from 0."""
        self._stage = (what, scene + 1)
        self._publish(at_once=True)

    def wait_for_stage(self, what: str, scene: int) -> None:
        """Report that the film is waiting for a stage of a scene. Updates are rate limited."""
        self._stage = (what, scene + 1)
        self._publish()

    def finish_scenes(self, what: str, scenes: float) -> None:
        """Report how many scenes are "drawn", "spoken" or "filmed"."""
        with self._lock:
            self._done[what] = max(self._done[what], min(1.0, scenes / self._count))
        self._publish()

    def skip_cached(self, what: str) -> None:
        """Count one scene of `what` as cached. It took no time, so it is left out of the estimate."""
        with self._lock:
            self._cached_share += self._shares[what] / self._count

    def report_clip(self, scene: int, part: float) -> None:
        """Report that the fraction `part` of a scene's clip, counted from 0, has been generated."""
        begins, self._stage = self._stage != ("moving", scene + 1), ("moving", scene + 1)
        self.finish_scenes("drawn", scene + part)
        if begins:
            self._publish(at_once=True)

    def report_filming(self, scene: int, part: float) -> None:
        """Report that the fraction `part` of a scene, counted from 0, has been rendered."""
        self.finish_scenes("filmed", scene + part)

    def start_joining(self) -> None:
        """Report that the segments are being joined."""
        self._context.progress("joining the scenes", max(0.95, self._fraction()), seconds_left=self._seconds_left())

    def _fraction(self) -> float:
        return sum(self._shares[what] * done for what, done in self._done.items())

    def _publish(self, *, at_once: bool = False) -> None:
        self._context.check()
        with self._lock:
            now = time.monotonic()
            if now - self._last_update < UPDATE_SECONDS and not at_once:
                return
            self._last_update = now
        what, scene = self._stage
        templates = SINGLE_SCENE_STAGES if self._count == 1 else SCENE_STAGES
        facts: dict[str, str | int | float] = {"scene": scene, "count": self._count} if self._count > 1 else {}
        self._context.progress(templates[what], self._fraction(), facts=facts, seconds_left=self._seconds_left())

    def _seconds_left(self) -> float | None:
        """Return the estimated seconds left at the pace of this film so far, or None if it is too early to tell."""
        fraction = self._fraction()
        rendered = fraction - self._cached_share
        if rendered < MIN_SHARE_FOR_ESTIMATE:
            return None
        return max(1.0, (time.monotonic() - self._started) * (1 - fraction) / rendered)
