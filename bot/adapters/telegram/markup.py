"""Links to messages as Telegram writes them."""

from bot.adapters.telegram.message_ref import MessageRef
from bot.core.markup import Markup

SUPERGROUP_PREFIX = "-100"
"""What the id of a chat with links to its messages begins with. https://core.telegram.org/api/links#message-links"""


class TelegramMarkup(Markup):
    """Telegram has links to messages in supergroups, for their members, and none in private chats and small groups."""

    def link_to(self, origin: str, scope: str) -> str:  # noqa: ARG002  # the origin names the chat
        """Return the address of the message that shows the answer, or of the request before there is one."""
        if not origin.startswith(SUPERGROUP_PREFIX):
            return ""
        ref = MessageRef.parse(origin)
        topic = f"{ref.thread}/" if ref.thread else ""
        return f"https://t.me/c/{str(ref.chat).removeprefix(SUPERGROUP_PREFIX)}/{topic}{ref.live or ref.message}"


MARKUP = TelegramMarkup()
