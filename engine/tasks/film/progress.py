"""How far a film is, told from several threads: the scene that is being filmed, and the seconds left."""

import threading
import time
from collections.abc import Mapping

from engine.tasks.film.film import Film
from engine.worker.context import Context

EVERY = 0.4
"""Seconds between two words to the person."""
FILM = {"drawn": 0.35, "spoken": 0.1, "filmed": 0.5}
"""Shares of the whole, with the rest for the sound and for joining."""
BOARD = {"drawn": 0.97}
"""Likewise where nothing but the pictures is made."""
STAGES = {
    "drawing": "drawing scene {scene} of {count}",
    "speaking": "speaking scene {scene} of {count}",
    "filming": "filming scene {scene} of {count}",
    "moving": "setting scene {scene} of {count} in motion",
}
ALONE = {"drawing": "drawing", "speaking": "speaking", "filming": "filming", "moving": "setting it in motion"}
"""Where there is one scene."""
SETTLED = 0.08
"""Share that has to be made before the film's own pace tells how much is left."""


class FilmProgress:
    """Of one film, whose work `shares` divide. Its methods raise Cancelled if somebody ended the job."""

    def __init__(self, context: Context, film: Film, shares: Mapping[str, float] = FILM) -> None:
        self._context = context
        self._shares = shares
        self._count = len(film.scenes)
        self._done = dict.fromkeys(shares, 0.0)
        self._found = 0.0
        self._lock = threading.Lock()
        self._begun = time.monotonic()
        self._told = self._begun
        self._stage = ("drawing", 1)
        self._start = 0.0

    def doing(self, what: str, scene: int) -> None:
        """`what`, one of STAGES, begins for a scene, counted from 0."""
        self._stage = (what, scene + 1)
        self._tell(at_once=True)

    def waiting(self, what: str, scene: int) -> None:
        """The film waits for that, which may be there in a moment."""
        self._stage = (what, scene + 1)
        self._tell()

    def finish_scenes(self, what: str, scenes: float) -> None:
        """So many scenes are "drawn", "spoken" or "filmed"."""
        with self._lock:
            self._done[what] = max(self._done[what], min(1.0, scenes / self._count))
        self._tell()

    def found(self, what: str) -> None:
        """That part of a scene was there already: it took no time, so it says nothing of the pace."""
        with self._lock:
            self._found += self._shares[what] / self._count

    def moving(self, scene: int, part: float) -> None:
        """So much of a scene's clip, counted from 0, is made by a model."""
        begins, self._stage = self._stage != ("moving", scene + 1), ("moving", scene + 1)
        self.finish_scenes("drawn", scene + part)
        if begins:
            self._tell(at_once=True)

    def set_filming(self, scene: int, part: float) -> None:
        """So much of a scene, counted from 0."""
        self.finish_scenes("filmed", scene + part)

    def joining(self) -> None:
        self._context.progress("joining the film", max(0.95, self._fraction()), seconds_left=self._left())

    def _fraction(self) -> float:
        return sum(self._shares[what] * done for what, done in self._done.items())

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
        made = fraction - self._found
        if made < SETTLED:
            return None
        return max(1.0, (time.monotonic() - self._begun) * (1 - fraction) / made)
