"""How much each user has used the devices lately. Times are Unix seconds."""

HALF_LIFE_SECONDS = 600.0
"""Seconds after which past usage counts half."""
MIN_REMEMBERED_SECONDS = 0.01
"""Device-seconds below which a user's usage is forgotten."""


class Usage:
    """Device-seconds by user, with exponential decay."""

    def __init__(self, half_life: float = HALF_LIFE_SECONDS) -> None:
        """`half_life` is in seconds."""
        self._half_life = half_life
        self._used: dict[str, tuple[float, float]] = {}

    def copy(self) -> "Usage":
        """Return an independent copy."""
        copy = Usage(self._half_life)
        copy._used = dict(self._used)
        return copy

    def add(self, user: str, seconds: float, now: float) -> None:
        """Add device-seconds to a user's usage. Negative `seconds` correct a charge that was too high."""
        left = self.decayed_usage(user, now) + seconds
        if left > MIN_REMEMBERED_SECONDS:
            self._used[user] = (left, now)
        else:
            self._used.pop(user, None)

    def decayed_usage(self, user: str, now: float) -> float:
        """Return the user's decayed usage at `now` in device-seconds, at least 0."""
        if user not in self._used:
            return 0.0
        seconds, at = self._used[user]
        return seconds * 2 ** -(max(now - at, 0.0) / self._half_life)

    def forget(self, now: float) -> None:
        """Drop users whose usage has decayed to almost nothing."""
        self._used = {
            user: used for user, used in self._used.items() if self.decayed_usage(user, now) > MIN_REMEMBERED_SECONDS
        }
