"""The line “sending a photo…” that Telegram shows at the top of a chat while the bot works.

Telegram shows it for five seconds: https://core.telegram.org/bots/api#sendchataction.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from telegram.constants import ChatAction
from telegram.error import TelegramError

from bot.adapters.base import LiveMessage, LiveMessageWrapper
from bot.adapters.telegram.message import Bot
from bot.adapters.telegram.message_ref import MessageRef
from bot.presentation.card import Card

log = structlog.get_logger()

ACTION_SECONDS = 4.5
"""Seconds between two actions of one answer."""
ACTIONS = {
    "imagine": ChatAction.UPLOAD_PHOTO,
    "upscale": ChatAction.UPLOAD_PHOTO,
    "faceswap": ChatAction.UPLOAD_PHOTO,
    "animate": ChatAction.UPLOAD_VIDEO,
    "subtitle": ChatAction.UPLOAD_VIDEO,
    "video": ChatAction.UPLOAD_VIDEO,
    "scenes": ChatAction.UPLOAD_PHOTO,
}
"""The action while a command's job runs; for the others, typing."""


class ActiveLiveMessage(LiveMessageWrapper[LiveMessage]):
    """Shows cards in `live`, and sends a chat action with those that are not final.

    Actions are sent in the background by `start`, so that they delay no card.
    """

    def __init__(
        self,
        live: LiveMessage,
        bot: Bot,
        ref: MessageRef,
        command: str,
        start: Callable[[Callable[[], Awaitable[None]]], None],
    ) -> None:
        super().__init__(live)
        self._bot, self._ref, self._start = bot, ref, start
        self._action = ACTIONS.get(command, ChatAction.TYPING)
        self._next = 0.0

    async def show(self, card: Card) -> None:
        """Show the card. Send an action, unless the card is final or the last action is still shown."""
        await self._live.show(card)
        now = asyncio.get_running_loop().time()
        if not card.final and now >= self._next:
            self._next = now + ACTION_SECONDS
            self._start(self._send)

    async def _send(self) -> None:
        """Send the action. It is only decoration, so a failure goes to the debug log."""
        try:
            await self._bot.send_chat_action(self._ref.chat, self._action, message_thread_id=self._ref.thread or None)
        except TelegramError as error:
            log.debug("chat action not sent", why=error.message)
