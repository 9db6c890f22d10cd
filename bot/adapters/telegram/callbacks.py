"""The answers to a clicked button: a pop-up, a new message, or an edit of the button's own message."""

from telegram import CallbackQuery, Message
from telegram.constants import CallbackQueryLimit
from telegram.error import BadRequest

from bot.adapters.base import LiveMessageWrapper, truncate
from bot.adapters.telegram.message import TelegramLiveMessage
from bot.adapters.telegram.message_ref import MessageRef
from bot.presentation.card import Card


def has_button(query: CallbackQuery) -> bool:
    """Return whether the clicked button is under the clicked message.

    A client may send any data for any message, so a click may only delete or replace a message that has the button. For
    very old messages Telegram gives no keyboard, and this returns False.
    """
    message = query.message
    if not isinstance(message, Message) or message.reply_markup is None:
        return False
    return any(button.callback_data == query.data for row in message.reply_markup.inline_keyboard for button in row)


class CallbackLiveMessage(LiveMessageWrapper[TelegramLiveMessage]):
    """Answers the callback query with the first card, as a pop-up where the card is a short final one.

    Telegram shows a spinner on the button until the query is answered. Where `to_delete` is given, a final card that
    did not fail deletes the button's message and its follow-ups.
    """

    def __init__(self, query: CallbackQuery, live: TelegramLiveMessage, to_delete: MessageRef | None) -> None:
        super().__init__(live)
        self._query, self._to_delete = query, to_delete
        self._answered = False

    async def show(self, card: Card) -> None:
        """Answer the query, show the card in a message if it does not fit a pop-up, and delete what should go."""
        fits = len(card.text) <= CallbackQueryLimit.ANSWER_CALLBACK_QUERY_TEXT_LENGTH
        pops_up = not self._answered and card.final and not card.media and fits
        if not self._answered:
            self._answered = True
            await self._query.answer(card.text if pops_up else None)
        if not pops_up:
            await self._live.show(card)
        if self._to_delete is not None and card.final and not card.failed:
            await self._delete_messages(self._to_delete)

    async def _delete_messages(self, to_delete: MessageRef) -> None:
        """Delete the button's message and its follow-ups. Telegram allows this for two days; after that, remove the
        buttons.
        """
        try:
            await self._query.delete_message()
            if to_delete.followups:
                await self._query.get_bot().delete_messages(to_delete.chat, to_delete.followups)
        except BadRequest:
            await self._query.edit_message_reply_markup(None)


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
        if card.failed:
            text = truncate(card.text, CallbackQueryLimit.ANSWER_CALLBACK_QUERY_TEXT_LENGTH)
            await self._query.answer(text, show_alert=True)
            return None
        self._replaced = True
        await self._query.answer()
        return await self._live.show(card)
