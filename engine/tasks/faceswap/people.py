"""Recognises people in a video by the vectors of their faces."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]

MAX_VIEWS = 6
"""Most vectors kept of one person."""
NEW_VIEW = 0.5
"""Distance from which a vector is worth keeping, as a share of the distance within which faces are one person's."""


@dataclass(frozen=True)
class Likeness:
    """Distances of vectors: up to `same` they are surely one person's, from `different` on two people's."""

    same: float
    different: float


@dataclass
class Person:
    """A person as vectors of their face in several poses and lights. The first one is the most reliable."""

    views: list[Values] = field(default_factory=list)

    def distance(self, vector: Values) -> float:
        """Return the distance of `vector` from the nearest view."""
        return min(float(np.linalg.norm(vector - view)) for view in self.views)

    def learn(self, vector: Values, likeness: Likeness) -> None:
        """Add the vector of a face that was tracked without a break, if it is new but still like the first one."""
        if len(self.views) >= MAX_VIEWS or float(np.linalg.norm(vector - self.views[0])) > likeness.same:
            return
        if self.distance(vector) > NEW_VIEW * likeness.same:
            self.views.append(vector)
