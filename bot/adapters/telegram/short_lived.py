"""Messages that a group does not need for long: refusals, and questions that nobody answers.

Discord shows them to one person only. Telegram has no such messages, so they are deleted.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from functools import partial

import structlog
from telegram import Message
from telegram.error import TelegramError

from bot.adapters.telegram.message import Bot, TelegramLiveMessage
from bot.adapters.telegram.message_ref import MessageRef
from bot.i18n.translate import Language
from bot.presentation.card import Card
from storage.store import Store

log = structlog.get_logger()

REFUSAL_SECONDS = 60.0
"""Seconds after which a refusal is deleted from a group."""
QUESTION_SECONDS = 600.0
"""Seconds after which a question that was not answered is deleted from a group."""
NOTE = "telegram short-lived"
"""The note that holds the messages to delete, so that a restart forgets none."""


@dataclass(frozen=True)
class Expiry:
    """A message to delete at the Unix time `at`. The open `question` that it asks, if any, is closed then."""

    chat: int
    message: int
    at: float
    question: str = ""


class ShortLivedMessages:
    """Deletes messages when they expire. `start` runs work in the background."""

    def __init__(self, bot: Bot, store: Store, start: Callable[[Callable[[], Awaitable[None]]], None]) -> None:
        self._bot, self._store, self._start = bot, store, start
        self._pending: dict[tuple[int, int], Expiry] = {}

    async def resume(self) -> None:
        """Go on with the messages that an earlier run left."""
        for values in json.loads(await self._store.get_note(NOTE) or "[]"):
            self._schedule(Expiry(**values))

    async def expire(self, ref: MessageRef, seconds: float, question: str = "") -> None:
        """Delete the message that `ref.live` names after so many seconds, if it is in a group."""
        if ref.is_group and ref.live:
            self._schedule(Expiry(ref.chat, ref.live, time.time() + seconds, question))
            await self._save()

    async def expire_question(self, message: Message) -> None:
        """Delete a question of the bot after QUESTION_SECONDS, if it is in a group."""
        await self.expire(replace(MessageRef.of(message), live=message.message_id), QUESTION_SECONDS)

    async def keep(self, chat: int, message: int) -> None:
        """Do not delete the message, because it shows something else now."""
        if self._pending.pop((chat, message), None) is not None:
            await self._save()

    def _schedule(self, expiry: Expiry) -> None:
        self._pending[expiry.chat, expiry.message] = expiry
        self._start(partial(self._delete_later, expiry))

    async def _delete_later(self, expiry: Expiry) -> None:
        await asyncio.sleep(max(0.0, expiry.at - time.time()))
        if self._pending.get((expiry.chat, expiry.message)) != expiry:
            return
        if not expiry.question or await self._store.delete_question(expiry.question):
            await self._delete(expiry)
        await self.keep(expiry.chat, expiry.message)

    async def _delete(self, expiry: Expiry) -> None:
        try:
            await self._bot.delete_message(expiry.chat, expiry.message)
        except TelegramError as error:
            log.info("a short-lived message stays", chat=expiry.chat, why=error.message)

    async def _save(self) -> None:
        await self._store.set_note(NOTE, json.dumps([asdict(expiry) for expiry in self._pending.values()]))


class GroupLiveMessage(TelegramLiveMessage):
    """A live message in a group, which lets refusals and questions expire."""

    def __init__(
        self, bot: Bot, ref: MessageRef, language: Language, expiring: ShortLivedMessages, *, local: bool = False
    ) -> None:
        super().__init__(bot, ref, language, local=local)
        self._expiring = expiring

    async def show(self, card: Card) -> None:
        """Show the card, and let it expire if it is a refusal or a question."""
        await super().show(card)
        question = next((button.argument for button in card.buttons if button.command == "yes"), "")
        if card.final and not card.job and card.failed:
            await self._expiring.expire(self.ref, REFUSAL_SECONDS)
        elif card.final and question:
            await self._expiring.expire(self.ref, QUESTION_SECONDS, question)
