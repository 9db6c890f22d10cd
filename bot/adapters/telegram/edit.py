"""Buttons that open a text for editing: the bot sends the text, and the person's reply counts as the click."""

import re
from collections.abc import Awaitable, Sequence

from telegram import CallbackQuery, ForceReply, Message, MessageEntity
from telegram.constants import CallbackQueryLimit, MessageLimit

from bot.adapters.base import truncate
from bot.adapters.telegram.message_ref import MessageRef
from bot.app import AppContext
from bot.core.command import ButtonAction, Command, Request
from bot.core.command_line import split_command
from bot.i18n.translate import translate
from bot.presentation.buttons import action_of, edit_prompt
from bot.presentation.card import card_of
from bot.requests.edit_text import text_to_edit
from engine.core.errors import UserError
from engine.core.job import Failed

EDIT_INSTRUCTION = "Copy this text, edit it, and reply to this message with it."
WRITE_INSTRUCTION = "Reply to this message with your text."
RESERVED_CHARACTERS = 200
"""Characters of the message that are kept for the instruction and the button's id."""
_BUTTON_ID = re.compile(r"[a-z_]+:[0-9a-z.]+")
"""The last line of a message that opens a text."""


async def open_edit(query: CallbackQuery, pending: Awaitable[Request], studio: AppContext) -> None:
    """Send the text to be edited. The last line of the message is the button's id, so a reply is understood after a
    restart too.
    """
    assert query.message is not None
    button, request = query.data or "", await pending
    try:
        text = await text_to_edit(studio, request, button, MessageLimit.MAX_TEXT_LENGTH - RESERVED_CHARACTERS)
    except UserError as error:
        refusal = card_of(Failed.of(error), request.language, ()).text
        await query.answer(truncate(refusal, CallbackQueryLimit.ANSWER_CALLBACK_QUERY_TEXT_LENGTH), show_alert=True)
        return
    await query.answer()
    ref = MessageRef.of(query.message)
    instruction = translate(EDIT_INSTRUCTION if text else WRITE_INSTRUCTION, request.language)
    if not text:
        instruction = f"{edit_prompt(button, studio.commands, request.language)}\n{instruction}"
    entities = [MessageEntity(MessageEntity.PRE, _utf16_length(instruction) + 2, _utf16_length(text))] if text else []
    await query.get_bot().send_message(
        ref.chat,
        "\n\n".join(part for part in (instruction, text, button) if part),
        entities=entities,
        message_thread_id=ref.thread or None,
        reply_parameters=ref.reply,
        reply_markup=ForceReply(selective=True),
    )


def button_of(message: Message, bot: int, commands: Sequence[Command]) -> str | None:
    """Return the button whose text this message answers, or None if it answers none. `bot` is the bot's own user id."""
    answered = message.reply_to_message
    if answered is None or answered.from_user is None or answered.from_user.id != bot or not message.text:
        return None
    button = (answered.text or "").rpartition("\n")[2]
    if split_command(message.text) or not _BUTTON_ID.fullmatch(button):
        return None
    return button if action_of(button, commands) is ButtonAction.EDIT else None


def _utf16_length(text: str) -> int:
    """Return the length in UTF-16 code units, in which Telegram counts offsets."""
    return len(text.encode("utf-16-le")) // 2
