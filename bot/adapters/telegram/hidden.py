"""Values that a message of the bot carries without showing them, so that they are still there after a restart.

They stand in the address of a link on an invisible character. Only the bot writes its own messages, and Telegram
returns their entities with every reply to them: https://core.telegram.org/bots/api#messageentity.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from telegram import MaybeInaccessibleMessage, Message, MessageEntity

INVISIBLE = "\u200b"
"""The character that carries the link: a space without width."""
MAX_ADDRESS_CHARACTERS = 2000
"""Characters of the link's address. Values that need more are not carried."""


def carry(username: str, values: Mapping[str, str]) -> MessageEntity | None:
    """Return the entity for an INVISIBLE at the start of a text, or None if the values are too long."""
    address = f"https://t.me/{username}?{urlencode(values)}"
    if len(address) > MAX_ADDRESS_CHARACTERS:
        return None
    return MessageEntity(MessageEntity.TEXT_LINK, 0, len(INVISIBLE), url=address)


def carried_by(message: MaybeInaccessibleMessage | None, bot: int) -> dict[str, str]:
    """Return the values that a message of the bot carries; none for any other message. `bot` is its user id."""
    if not isinstance(message, Message) or message.from_user is None or message.from_user.id != bot:
        return {}
    if not (message.text or "").startswith(INVISIBLE):
        return {}
    links = (entity.url for entity in message.entities if entity.offset == 0 and entity.type == "text_link")
    return dict(parse_qsl(urlsplit(next(links, None) or "").query))


def utf16_length(text: str) -> int:
    """Return the length in UTF-16 code units, in which Telegram counts offsets."""
    return len(text.encode("utf-16-le")) // 2
