"""Questions that a person answers with a reply, for which Telegram opens the reply box."""

from collections.abc import Mapping, Sequence

from telegram import Chat, ForceReply, MaybeInaccessibleMessage, Message, MessageEntity, User
from telegram.constants import ReplyLimit

from bot.adapters.base import truncate
from bot.adapters.telegram.hidden import INVISIBLE, carry, utf16_length
from bot.adapters.telegram.message import NO_LINKS
from bot.adapters.telegram.message_ref import MessageRef, is_private


async def send_question(
    message: MaybeInaccessibleMessage,
    who: User | Chat,
    text: str,
    values: Mapping[str, str],
    *,
    entities: Sequence[MessageEntity] = (),
    placeholder: str = "",
) -> Message | None:
    """Reply to the message with a question that carries the values. Return None, and send nothing, if they are too
    long to be carried.

    In a group it mentions the person, because only people who are mentioned, and the author of the message that it
    replies to, get the box: https://core.telegram.org/bots/api#forcereply.
    """
    bot, ref = message.get_bot(), MessageRef.of(message)
    hidden = carry(bot.username, values)
    if hidden is None:
        return None
    start, mentions = _mention(message, who)
    moved = MessageEntity.shift_entities(start, list(entities))
    return await bot.send_message(
        ref.chat,
        start + text,
        entities=[hidden, *mentions, *moved],
        link_preview_options=NO_LINKS,
        message_thread_id=ref.thread or None,
        reply_parameters=ref.reply,
        reply_markup=ForceReply(
            selective=True,
            input_field_placeholder=truncate(placeholder, ReplyLimit.MAX_INPUT_FIELD_PLACEHOLDER) or None,
        ),
    )


def _mention(message: MaybeInaccessibleMessage, who: User | Chat) -> tuple[str, list[MessageEntity]]:
    """Return how the text starts: with the character that carries values and, in a group, the person's name."""
    if is_private(message) or not isinstance(who, User):
        return INVISIBLE, []
    name = truncate(who.first_name, 64)
    mention = MessageEntity(MessageEntity.TEXT_MENTION, len(INVISIBLE), utf16_length(name), user=who)
    return f"{INVISIBLE}{name}: ", [mention]
