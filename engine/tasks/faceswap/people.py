"""Who is who in a video: what is known of a person, and whether a face is theirs."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]

MAX_VIEWS = 6
"""Vectors that are kept of one person."""
NEW_VIEW = 0.5
"""Share of the distance up to which two faces are one person, from which a vector adds something."""


@dataclass(frozen=True)
class Likeness:
    """How far apart two vectors may be: up to `same` they are surely of one person, from `different` on of two."""

    same: float
    different: float


@dataclass
class Person:
    """A person as vectors of their face in several poses and lights, the first of which is the surest."""

    views: list[Values] = field(default_factory=list)

    def distance(self, vector: Values) -> float:
        """Return how far `vector` is from the nearest view."""
        return min(float(np.linalg.norm(vector - view)) for view in self.views)

    def learn(self, vector: Values, likeness: Likeness) -> None:
        """Add a vector of a face that was followed without a break, if it is new but still like the first one."""
        if len(self.views) >= MAX_VIEWS or float(np.linalg.norm(vector - self.views[0])) > likeness.same:
            return
        if self.distance(vector) > NEW_VIEW * likeness.same:
            self.views.append(vector)
