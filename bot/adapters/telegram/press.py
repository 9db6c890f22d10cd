"""The answer to a pressed button: words that pop up, or a message of its own where there is more to show."""

from telegram import CallbackQuery
from telegram.constants import CallbackQueryLimit

from bot.adapters.base import Note
from bot.adapters.telegram.live import TelegramLive
from bot.card import Card


class PressLive:
    """Telegram turns a button's clock until the press is answered, so the first card answers it."""

    def __init__(self, query: CallbackQuery, live: TelegramLive) -> None:
        self.limits = live.limits
        self._query, self._live = query, live
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
