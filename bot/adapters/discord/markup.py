"""Points in time and links to messages as Discord writes them."""

from bot.adapters.discord.origin import is_followup
from bot.core.markup import Markup
from bot.i18n.translate import Language


class DiscordMarkup(Markup):
    """Discord shows a timestamp in the reader's own language and time zone, and keeps a relative one up to date.

    https://discord.com/developers/docs/reference#message-formatting
    """

    def format_time(self, at: float, language: Language) -> str:  # noqa: ARG002  # Discord knows the reader's language
        """Return the Unix time as a relative timestamp."""
        return f"<t:{int(at)}:R>"

    def link_to(self, origin: str, scope: str) -> str:
        """Return the message's address. A message that is still to be posted has none."""
        if not origin or is_followup(origin):
            return ""
        return f"https://discord.com/channels/{scope.removeprefix('discord:') or '@me'}/{origin}"


MARKUP = DiscordMarkup()
