"""The answer to a pressed button: words that pop up, or a message of its own where there is more to show."""

from telegram import CallbackQuery
from telegram.constants import CallbackQueryLimit
from telegram.error import BadRequest

from bot.adapters.base import Note
from bot.adapters.telegram.live import TelegramLive
from bot.card import Card


class PressLive:
    """Telegram turns a button's clock until the press is answered, so the first card answers it.

    Where it `withdraws`, the end that did not fail takes away the message that carries the button.
    """

    def __init__(self, query: CallbackQuery, live: TelegramLive, *, withdraws: bool) -> None:
        self.limits = live.limits
        self._query, self._live, self._withdraws = query, live, withdraws
        self._answered = False

    @property
    def note(self) -> Note | None:
        return self._live.note

    @note.setter
    def note(self, note: Note | None) -> None:
        self._live.note = note

    async def show(self, card: Card) -> None:
        short = len(card.text) <= CallbackQueryLimit.ANSWER_CALLBACK_QUERY_TEXT_LENGTH
        pops_up = not self._answered and card.final and not card.media and short
        if not self._answered:
            self._answered = True
            await self._query.answer(card.text if pops_up else None)
        if not pops_up:
            await self._live.show(card)
        if self._withdraws and card.final and not card.failed:
            await self._withdraw()

    async def _withdraw(self) -> None:
        """Telegram lets a bot delete what is younger than two days; older, the message loses its buttons."""
        try:
            await self._query.delete_message()
        except BadRequest:
            await self._query.edit_message_reply_markup(None)
