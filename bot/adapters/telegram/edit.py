"""A text that a button opens: the bot sends it to be copied and changed, and takes the person's answer as the press."""

import re
from collections.abc import Sequence

from telegram import CallbackQuery, ForceReply, Message, MessageEntity
from telegram.constants import CallbackQueryLimit, MessageLimit

from bot.adapters.base import cut
from bot.adapters.telegram.message_ref import MessageRef
from bot.app import AppContext
from bot.core.command import Command, Request
from bot.core.command_line import split_command
from bot.i18n.translate import translate
from bot.presentation.buttons import command_of, edit_prompt
from bot.presentation.card import card_of
from bot.requests.edit_text import text_to_edit
from engine.core.errors import UserError
from engine.core.job import Failed

HOW = "Copy this, change it, and send it as your answer to this message."
ANEW = "Write it, and send it as your answer to this message."
RESERVED_CHARACTERS = 200
"""Characters of a message that are not the text itself."""
_MARK = re.compile(r"[a-z_]+:[0-9a-z.]+")


async def open_edit(query: CallbackQuery, request: Request, studio: AppContext) -> None:
    """Send the text; the last line of the message names the button, so that the answer means it after a restart too."""
    assert query.message is not None
    button = query.data or ""
    try:
        text = await text_to_edit(studio, request, button, MessageLimit.MAX_TEXT_LENGTH - RESERVED_CHARACTERS)
    except UserError as error:
        words = card_of(Failed.of(error), request.language, ()).text
        await query.answer(cut(words, CallbackQueryLimit.ANSWER_CALLBACK_QUERY_TEXT_LENGTH), show_alert=True)
        return
    await query.answer()
    how, place = translate(HOW if text else ANEW, request.language), MessageRef.of(query.message)
    if not text:
        how = f"{edit_prompt(button, studio.commands, request.language)}: {how}"
    copied = [MessageEntity(MessageEntity.PRE, _units(how) + 2, _units(text))] if text else []
    await query.get_bot().send_message(
        place.chat,
        "\n\n".join(part for part in (how, text, button) if part),
        entities=copied,
        message_thread_id=place.thread or None,
        reply_parameters=place.reply,
        reply_markup=ForceReply(selective=True),
    )


def button_of(message: Message, bot: int, commands: Sequence[Command]) -> str | None:
    """The button whose text the person sends back with this message; None where it is anything else."""
    answered = message.reply_to_message
    if answered is None or answered.from_user is None or answered.from_user.id != bot or not message.text:
        return None
    mark = (answered.text or "").rpartition("\n")[2]
    if split_command(message.text) or not _MARK.fullmatch(mark):
        return None
    command = command_of(mark, commands)
    return mark if command is not None and command.edited_option else None


def _units(text: str) -> int:
    """Telegram counts in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2
