"""The answers to a clicked button: a pop-up, a new message, or an edit of the button's own message."""

import structlog
from telegram import CallbackQuery
from telegram.constants import CallbackQueryLimit
from telegram.error import BadRequest

from bot.adapters.base import LiveMessageWrapper, truncate
from bot.adapters.telegram.deletion import delete_answer
from bot.adapters.telegram.keyboard import keyboard_of
from bot.adapters.telegram.message import TelegramLiveMessage
from bot.adapters.telegram.message_ref import MessageRef
from bot.core.command import Button
from bot.i18n.translate import Language, translate
from bot.presentation.card import Card

log = structlog.get_logger()

NOT_DELETED = (
    "The result is deleted from the studio. Messages that Telegram didn't let me delete: {count}. "
    "Delete them yourself, or press the button again."
)
"""Telegram lets bots delete messages for two days: https://core.telegram.org/bots/api#deletemessage."""


class CallbackLiveMessage(LiveMessageWrapper[TelegramLiveMessage]):
    """Answers the callback query with the first card, as a pop-up where the card is a short final one.

    Telegram shows a spinner on the button until the query is answered.
    """

    def __init__(self, query: CallbackQuery, live: TelegramLiveMessage) -> None:
        super().__init__(live)
        self._query = query
        self._answered = False

    async def show(self, card: Card) -> None:
        """Answer the query, and show the card in a message if it does not fit a pop-up."""
        fits = len(card.text) <= CallbackQueryLimit.ANSWER_CALLBACK_QUERY_TEXT_LENGTH
        pops_up = not self._answered and card.final and not card.media and fits
        if not self._answered:
            self._answered = True
            await self._query.answer(card.text if pops_up else None)
        if not pops_up:
            await self._live.show(card)


class DeletingLiveMessage(CallbackLiveMessage):
    """Deletes the button's message and its follow-ups for a final card that did not fail, and says what it could not
    delete.

    `button` stays under a message that Telegram keeps, so that the person can try again. None removes every button.
    """

    def __init__(
        self,
        query: CallbackQuery,
        live: TelegramLiveMessage,
        to_delete: MessageRef,
        button: Button | None,
        language: Language,
    ) -> None:
        super().__init__(query, live)
        self._to_delete, self._button, self._language = to_delete, button, language

    async def show(self, card: Card) -> None:
        """Delete the messages, then answer the query. A refusal deletes nothing."""
        if card.failed or not card.final:
            return await super().show(card)
        remaining = await delete_answer(self._query, self._to_delete)
        if not remaining:
            return await super().show(card)
        await self._leave_button()
        if self._button is None:
            return await super().show(card)
        text = translate(NOT_DELETED, self._language, count=remaining)
        await self._query.answer(text, show_alert=True)
        return None

    async def _leave_button(self) -> None:
        """Remove the buttons that work on what was deleted."""
        keyboard = keyboard_of([self._button] if self._button else [])
        try:
            await self._query.edit_message_reply_markup(keyboard)
        except BadRequest as error:
            log.info("buttons not removed", why=error.message)


class ReplacingLiveMessage(LiveMessageWrapper[TelegramLiveMessage]):
    """Edits the message that carries the button. A refusal leaves that message as it is and pops up."""

    def __init__(self, query: CallbackQuery, live: TelegramLiveMessage) -> None:
        super().__init__(live)
        self._query = query
        self._replaced = False

    async def show(self, card: Card) -> None:
        """Edit the message, or show a refusal as a pop-up."""
        if self._replaced:
            return await self._live.show(card)
        if card.failed and not card.job:
            text = truncate(card.text, CallbackQueryLimit.ANSWER_CALLBACK_QUERY_TEXT_LENGTH)
            await self._query.answer(text, show_alert=True)
            return None
        self._replaced = True
        await self._query.answer()
        return await self._live.show(card)
