"""The answer to a pressed button: words that pop up, a message of its own, or one that takes the button's place."""

from telegram import CallbackQuery, Message
from telegram.constants import CallbackQueryLimit
from telegram.error import BadRequest

from bot.adapters.base import LiveMessageWrapper, cut
from bot.adapters.telegram.message import TelegramLiveMessage
from bot.adapters.telegram.message_ref import MessageRef
from bot.presentation.card import Card


def carries(query: CallbackQuery) -> bool:
    """Return whether the button stands under the message that was pressed.

    A client may send any data for any message, so a press may only take away or replace a message of whose keyboard it
    is. Of a message that is too old Telegram tells no keyboard.
    """
    message = query.message
    if not isinstance(message, Message) or message.reply_markup is None:
        return False
    return any(button.callback_data == query.data for row in message.reply_markup.inline_keyboard for button in row)


class CallbackLiveMessage(LiveMessageWrapper[TelegramLiveMessage]):
    """Telegram turns a button's clock until the press is answered, so the first card answers it.

    An end that did not fail takes away the message that carries the button and what is `beside` it, where `shown`
    says so.
    """

    def __init__(self, query: CallbackQuery, live: TelegramLiveMessage, shown: MessageRef | None) -> None:
        super().__init__(live)
        self._query, self._shown = query, shown
        self._answered = False

    async def show(self, card: Card) -> None:
        short = len(card.text) <= CallbackQueryLimit.ANSWER_CALLBACK_QUERY_TEXT_LENGTH
        pops_up = not self._answered and card.final and not card.media and short
        if not self._answered:
            self._answered = True
            await self._query.answer(card.text if pops_up else None)
        if not pops_up:
            await self._live.show(card)
        if self._shown is not None and card.final and not card.failed:
            await self._withdraw(self._shown)

    async def _withdraw(self, shown: MessageRef) -> None:
        """Telegram lets a bot delete what is younger than two days; older, the message loses its buttons."""
        try:
            await self._query.delete_message()
            if shown.beside:
                await self._query.get_bot().delete_messages(shown.chat, shown.beside)
        except BadRequest:
            await self._query.edit_message_reply_markup(None)


class ReplacingLiveMessage(LiveMessageWrapper[TelegramLiveMessage]):
    """`live` edits the button's own message; a refusal leaves that as it is and pops up."""

    def __init__(self, query: CallbackQuery, live: TelegramLiveMessage) -> None:
        super().__init__(live)
        self._query = query
        self._replaced = False

    async def show(self, card: Card) -> None:
        if self._replaced:
            return await self._live.show(card)
        if card.failed:
            words = cut(card.text, CallbackQueryLimit.ANSWER_CALLBACK_QUERY_TEXT_LENGTH)
            await self._query.answer(words, show_alert=True)
            return None
        self._replaced = True
        await self._query.answer()
        return await self._live.show(card)
