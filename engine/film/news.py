"""How far a film is, told from several threads: the scene that is being filmed, and the seconds left."""

import threading
import time

from engine.film.film import Film
from engine.task import Context

EVERY = 0.4
"""Seconds between two words to the person."""
SHARES = {"drawn": 0.35, "spoken": 0.1, "filmed": 0.5}
"""Of the whole, with the rest for the sound and for joining."""
STAGES = {
    "drawing": "drawing scene {scene} of {count}",
    "speaking": "speaking scene {scene} of {count}",
    "filming": "filming scene {scene} of {count}",
    "moving": "setting scene {scene} of {count} in motion",
}
ALONE = {"drawing": "drawing", "speaking": "speaking", "filming": "filming", "moving": "setting it in motion"}
"""Where there is one scene."""
SETTLED = 0.08
"""Share from which on the film's own pace tells how much is left."""


class News:
    """Of one film. Its methods raise Cancelled if somebody ended the job."""

    def __init__(self, context: Context, film: Film) -> None:
        self._context = context
        self._count = len(film.scenes)
        self._done = dict.fromkeys(SHARES, 0.0)
        self._lock = threading.Lock()
        self._begun = time.monotonic()
        self._told = 0.0
        self._stage = ("drawing", 1)
        self._start = 0.0

    def doing(self, what: str, scene: int) -> None:
        """`what`, one of STAGES, is what the film waits for now; `scene` counts from 0."""
        self._stage = (what, min(scene + 1, self._count))
        self._tell(at_once=what == "filming")

    def done(self, what: str, scenes: float) -> None:
        """So many scenes are "drawn", "spoken" or "filmed"."""
        with self._lock:
            self._done[what] = max(self._done[what], min(1.0, scenes / self._count))
        self._tell()

    def moving(self, scene: int, part: float) -> None:
        """So much of a scene's clip, counted from 0, is made by a model."""
        begins, self._stage = self._stage != ("moving", scene + 1), ("moving", scene + 1)
        self.done("drawn", scene + part)
        if begins:
            self._tell(at_once=True)

    def filmed(self, scene: int, part: float) -> None:
        """So much of a scene, counted from 0."""
        self.done("filmed", scene + part)

    def joining(self) -> None:
        self._context.progress("joining the film", max(0.95, self._fraction()))

    def _fraction(self) -> float:
        return sum(SHARES[what] * done for what, done in self._done.items())

    def _tell(self, *, at_once: bool = False) -> None:
        self._context.check()
        with self._lock:
            now = time.monotonic()
            if now - self._told < EVERY and not at_once:
                return
            self._told = now
        what, scene = self._stage
        templates = ALONE if self._count == 1 else STAGES
        facts: dict[str, str | int | float] = {"scene": scene, "count": self._count} if self._count > 1 else {}
        self._context.progress(templates[what], self._fraction(), facts=facts, seconds_left=self._left())

    def _left(self) -> float | None:
        """By this film's own pace."""
        fraction = self._fraction()
        if fraction < SETTLED:
            return None
        return max(1.0, (time.monotonic() - self._begun) * (1 - fraction) / fraction)
