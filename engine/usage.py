"""Who used the devices lately."""

import time


class Usage:
    """Device-seconds by user; what was used fades by half every `half_life` seconds."""

    def __init__(self, half_life: float = 600.0) -> None:
        self._half_life = half_life
        self._used: dict[str, tuple[float, float]] = {}

    def add(self, user: str, seconds: float) -> None:
        now = time.monotonic()
        self._used[user] = (self._left(user, now) + seconds, now)

    def lately(self) -> dict[str, float]:
        """Device-seconds by user. Who is below a hundredth of a second is forgotten."""
        now = time.monotonic()
        left = {user: self._left(user, now) for user in self._used}
        self._used = {user: (seconds, now) for user, seconds in left.items() if seconds > 0.01}
        return {user: seconds for user, (seconds, _) in self._used.items()}

    def _left(self, user: str, now: float) -> float:
        seconds, at = self._used.get(user, (0.0, now))
        return float(seconds * 0.5 ** ((now - at) / self._half_life))
