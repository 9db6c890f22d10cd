"""Buttons that open a text for editing: the bot sends the text, and the person's reply counts as the click."""

from collections.abc import Awaitable, Sequence

from telegram import CallbackQuery, Message, MessageEntity
from telegram.constants import CallbackQueryLimit, MessageLimit

from bot.adapters.base import truncate
from bot.adapters.telegram.force_reply import send_question
from bot.adapters.telegram.hidden import carried_by, utf16_length
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
"""Characters of the message that are kept for the instruction and a mention."""


async def open_edit(query: CallbackQuery, pending: Awaitable[Request], studio: AppContext) -> None:
    """Send the text to be edited. The message carries the button's id, so a reply is understood after a restart too."""
    assert query.message is not None
    button, request = query.data or "", await pending
    try:
        text = await text_to_edit(studio, request, button, MessageLimit.MAX_TEXT_LENGTH - RESERVED_CHARACTERS)
    except UserError as error:
        refusal = card_of(Failed.of(error), request.language, ()).text
        await query.answer(truncate(refusal, CallbackQueryLimit.ANSWER_CALLBACK_QUERY_TEXT_LENGTH), show_alert=True)
        return
    await query.answer()
    instruction = translate(EDIT_INSTRUCTION if text else WRITE_INSTRUCTION, request.language)
    if not text:
        instruction = f"{edit_prompt(button, studio.commands, request.language)}\n{instruction}"
    entities = [MessageEntity(MessageEntity.PRE, utf16_length(instruction) + 2, utf16_length(text))] if text else []
    body = f"{instruction}\n\n{text}" if text else instruction
    await send_question(query.message, query.from_user, body, {"button": button}, entities=entities)


def button_of(message: Message, bot: int, commands: Sequence[Command]) -> str | None:
    """Return the button whose text this message answers, or None if it answers none. `bot` is the bot's own user id."""
    button = carried_by(message.reply_to_message, bot).get("button", "")
    if not message.text or split_command(message.text):
        return None
    return button if action_of(button, commands) is ButtonAction.EDIT else None
