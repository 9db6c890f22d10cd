"""Delete the messages of an answer, and find out which of them Telegram keeps."""

from collections.abc import Awaitable

import structlog
from telegram import CallbackQuery
from telegram.error import TelegramError

from bot.adapters.telegram.message_ref import MessageRef

log = structlog.get_logger()


async def delete_answer(query: CallbackQuery, ref: MessageRef) -> int:
    """Delete the follow-ups of `ref` and then the message with the button, and return how many messages remain.

    The message with the button goes last and stays while others remain, so that the person can try again.
    """
    bot = query.get_bot()
    remaining = [number for number in ref.followups if not await _is_deleted(bot.delete_message(ref.chat, number))]
    if not remaining and await _is_deleted(query.delete_message()):
        return 0
    return len(remaining) + 1


async def _is_deleted(deletion: Awaitable[bool]) -> bool:
    """Await the deletion and return whether the message is gone, also if somebody else deleted it earlier."""
    try:
        await deletion
    except TelegramError as error:
        if "message to delete not found" in error.message.lower():
            return True
        log.info("message not deleted", why=error.message)
        return False
    return True
