"""Keep requests below Telegram's rate limits:
https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from aiolimiter import AsyncLimiter
from telegram.constants import FloodLimit
from telegram.error import BadRequest, NetworkError, RetryAfter
from telegram.ext import BaseRateLimiter

from bot.adapters.telegram.errors import Superseded, may_have_arrived

_NEWER_CARD = "a newer card came first"
"""Why a progress edit was not sent, for the log."""
Answer = bool | dict[str, Any] | list[dict[str, Any]]

RETRY_WAIT_SECONDS = (0.5, 1.0, 2.0, 4.0)
"""Seconds before each retry after a network error or a 5xx response."""
PROGRESS_PER_MINUTE = 12
"""Progress edits a minute in a group. Telegram allows 20 messages a minute; the rest is kept for answers."""
MAX_CHATS = 512
"""Chats that are tracked before idle ones are dropped."""


class ProgressAwareRateLimiter(BaseRateLimiter[asyncio.Event]):
    """Delays requests, and repeats those that certainly did not arrive.

    An event as `rate_limit_args` marks a progress edit. It leaves room for answers, is sent at most once, and stops
    waiting as soon as the event is set.
    """

    def __init__(self) -> None:
        self._overall = AsyncLimiter(FloodLimit.MESSAGES_PER_SECOND, 1)
        self._chats: dict[Any, _Chat] = {}

    async def initialize(self) -> None:
        """Do nothing: there is nothing to open."""

    async def shutdown(self) -> None:
        """Do nothing: there is nothing to close."""

    async def process_request(  # noqa: PLR0917  # the library's signature
        self,
        callback: Callable[..., Coroutine[Any, Any, Answer]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: asyncio.Event | None,
    ) -> Answer:
        """Return Telegram's answer, after waiting for the limits and retrying after a 429 or a network error. Raises
        TelegramError.
        """
        if endpoint == "sendChatAction":
            return await callback(*args, **kwargs)  # decoration: it neither waits nor is repeated
        chat = self._chat(None if endpoint.startswith("get") else data.get("chat_id"))
        if rate_limit_args is not None:
            return await self._send_progress(chat, lambda: callback(*args, **kwargs), rate_limit_args)
        waits = iter(RETRY_WAIT_SECONDS)
        while True:
            try:
                await chat.acquire()
                await self._overall.acquire()
                return await callback(*args, **kwargs)
            except RetryAfter as error:
                chat.block_for(error)
            except NetworkError as error:
                wait = next(waits, None)
                if wait is None or not _worth_another_try(endpoint, error):
                    raise
                await asyncio.sleep(wait)

    async def _send_progress(
        self, chat: "_Chat", call: Callable[[], Coroutine[Any, Any, Answer]], superseded: asyncio.Event
    ) -> Answer:
        """Send a progress edit once. Raises Superseded where the event is set first. A 429 delays only further
        progress, so that the result is tried at once.
        """
        await _wait_unless(superseded, chat.acquire_progress())
        await self._overall.acquire()
        try:
            return await call()
        except RetryAfter as error:
            chat.block_progress_for(error)
            raise

    def _chat(self, number: Any) -> "_Chat":
        if len(self._chats) > MAX_CHATS:
            self._chats = {known: chat for known, chat in self._chats.items() if not chat.is_idle()}
        return self._chats.setdefault(number, _Chat(group=isinstance(number, int) and number < 0))


class _Chat:
    """The limits of one chat: about one progress edit a second, 20 messages a minute in groups, and nothing before a
    429 is over.
    """

    def __init__(self, *, group: bool) -> None:
        self._all = AsyncLimiter(FloodLimit.MESSAGES_PER_MINUTE_PER_GROUP, 60) if group else None
        self._progress = AsyncLimiter(PROGRESS_PER_MINUTE, 60) if group else AsyncLimiter(1, 1)
        self._closed_until = self._progress_closed_until = 0.0

    async def acquire(self) -> None:
        """Wait until a request may be sent, and count it."""
        if self._all is not None:
            await self._all.acquire()
        while (closed := self._closed_until - _now()) > 0:  # noqa: ASYNC110  # the end may move meanwhile
            await asyncio.sleep(closed)

    async def acquire_progress(self) -> None:
        """Wait until a progress edit may be sent, and count it."""
        await self._progress.acquire()
        while (closed := self._progress_closed_until - _now()) > 0:  # noqa: ASYNC110  # the end may move meanwhile
            await asyncio.sleep(closed)
        await self.acquire()

    def block_for(self, error: RetryAfter) -> None:
        """Block the chat for as long as the 429 response says."""
        self._closed_until = max(self._closed_until, _now() + _seconds_of(error))

    def block_progress_for(self, error: RetryAfter) -> None:
        """Block progress edits in the chat for as long as the 429 response says."""
        self._progress_closed_until = max(self._progress_closed_until, _now() + _seconds_of(error))

    def is_idle(self) -> bool:
        """Return whether the chat has used none of its limits lately."""
        limiters = [limiter for limiter in (self._all, self._progress) if limiter is not None]
        closed = max(self._closed_until, self._progress_closed_until)
        return closed <= _now() and all(limiter.has_capacity(limiter.max_rate) for limiter in limiters)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _seconds_of(error: RetryAfter) -> float:
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


async def _wait_unless(superseded: asyncio.Event, waiting: Coroutine[Any, Any, None]) -> None:
    """Await `waiting`. Cancel it and raise Superseded where the event is set first."""
    turn, newer = asyncio.create_task(waiting), asyncio.create_task(superseded.wait())
    try:
        await asyncio.wait((turn, newer), return_when=asyncio.FIRST_COMPLETED)
        if not turn.done():
            raise Superseded(_NEWER_CARD)
    finally:
        turn.cancel()
        newer.cancel()


def _worth_another_try(endpoint: str, error: NetworkError) -> bool:
    """Return whether to retry. Refused requests fail again, and a message that may have arrived is not sent again."""
    if isinstance(error, BadRequest) or endpoint == "getMe":
        return False
    return not (endpoint.startswith("send") and may_have_arrived(error))
