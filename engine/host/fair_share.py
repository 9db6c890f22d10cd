"""Who used the devices lately. Times are Unix seconds."""

HALF_LIFE_SECONDS = 600.0
"""Seconds after which what was used counts by half."""
MIN_REMEMBERED_SECONDS = 0.01
"""Device-seconds below which nobody is remembered."""


class Usage:
    """Device-seconds by user, fading."""

    def __init__(self, half_life: float = HALF_LIFE_SECONDS) -> None:
        self._half_life = half_life
        self._used: dict[str, tuple[float, float]] = {}

    def copy(self) -> "Usage":
        """Another that remembers the same."""
        copy = Usage(self._half_life)
        copy._used = dict(self._used)
        return copy

    def add(self, user: str, seconds: float, now: float) -> None:
        """`seconds` may be below 0, where less was used than was charged."""
        left = self.decayed_usage(user, now) + seconds
        if left > MIN_REMEMBERED_SECONDS:
            self._used[user] = (left, now)
        else:
            self._used.pop(user, None)

    def decayed_usage(self, user: str, now: float) -> float:
        """Device-seconds, at least 0."""
        if user not in self._used:
            return 0.0
        seconds, at = self._used[user]
        return seconds * 2 ** -(max(now - at, 0.0) / self._half_life)

    def forget(self, now: float) -> None:
        """Drop whoever's use has faded."""
        self._used = {
            user: used for user, used in self._used.items() if self.decayed_usage(user, now) > MIN_REMEMBERED_SECONDS
        }
