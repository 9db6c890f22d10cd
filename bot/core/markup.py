"""What a platform writes differently: points in time, and links to messages. Each adapter gives requests its own."""

import time

from bot.i18n.translate import Language, translate

JUST_NOW_SECONDS = 10.0
"""An event of less than this many seconds ago was "just now"."""


class Markup:
    """Plain text, for platforms without anything better."""

    def format_time(self, at: float, language: Language) -> str:
        """Return how long ago the Unix time `at` was, such as "5 min ago"."""
        seconds = time.time() - at
        if seconds < JUST_NOW_SECONDS:
            return translate("just now", language)
        return translate("{time:duration} ago", language, time=round(seconds))

    def link_to(self, origin: str, scope: str) -> str:  # noqa: ARG002  # this platform has no links
        """Return the address of the message at `origin` in the server or group `scope`, or an empty string if it has
        none.
        """
        return ""


PLAIN = Markup()
