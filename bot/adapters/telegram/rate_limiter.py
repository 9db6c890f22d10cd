"""Keep requests below Telegram's rate limits:
https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

from aiolimiter import AsyncLimiter
from telegram.constants import FloodLimit
from telegram.error import BadRequest, NetworkError, RetryAfter, TimedOut
from telegram.ext import BaseRateLimiter

Answer = bool | dict[str, Any] | list[dict[str, Any]]

RETRY_WAIT_SECONDS = (0.5, 1.0, 2.0, 4.0)
"""Seconds before each retry after a network error or a 5xx response."""
MAX_PROGRESS_WAIT_SECONDS = 60.0
"""Seconds of a 429 response after which a progress edit is dropped instead of delayed."""
PROGRESS_PER_MINUTE = 12
"""Progress edits a minute in a group. Telegram allows 20 messages a minute; the rest is kept for answers."""
MAX_CHATS = 512
"""Chats that are tracked before idle ones are dropped."""


class ProgressAwareRateLimiter(BaseRateLimiter[bool]):
    """Delays requests. `rate_limit_args=True` marks a progress edit, which leaves room for answers and is dropped after
    a long 429.
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
        rate_limit_args: bool | None,
    ) -> Answer:
        """Return Telegram's answer, after waiting for the limits and retrying after a 429 or a network error. Raises
        TelegramError.
        """
        chat = self._chat(data.get("chat_id"))
        waits = iter(RETRY_WAIT_SECONDS)
        while True:
            try:
                async with AsyncExitStack() as turn:
                    await chat.acquire(turn, progress=bool(rate_limit_args))
                    await turn.enter_async_context(self._overall)
                return await callback(*args, **kwargs)
            except RetryAfter as error:
                if chat.block_for(error) > MAX_PROGRESS_WAIT_SECONDS and rate_limit_args:
                    raise
            except NetworkError as error:
                wait = next(waits, None)
                if wait is None or not _worth_another_try(endpoint, error):
                    raise
                await asyncio.sleep(wait)

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
        self._closed_until = 0.0

    async def acquire(self, stack: AsyncExitStack, *, progress: bool) -> None:
        """Wait until a request may be sent, and count it."""
        if progress:
            await stack.enter_async_context(self._progress)
        if self._all is not None:
            await stack.enter_async_context(self._all)
        while (closed := self._closed_until - _now()) > 0:  # noqa: ASYNC110  # the end may move meanwhile
            await asyncio.sleep(closed)

    def block_for(self, error: RetryAfter) -> float:
        """Block the chat for as long as the 429 response says, and return that time in seconds."""
        wait = error.retry_after
        seconds = wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
        self._closed_until = max(self._closed_until, _now() + seconds)
        return seconds

    def is_idle(self) -> bool:
        """Return whether the chat has used none of its limits lately."""
        limiters = [limiter for limiter in (self._all, self._progress) if limiter is not None]
        return self._closed_until <= _now() and all(limiter.has_capacity(limiter.max_rate) for limiter in limiters)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _worth_another_try(endpoint: str, error: NetworkError) -> bool:
    """Return whether to retry. Refused requests fail again, and a send that timed out may have arrived."""
    if isinstance(error, BadRequest) or endpoint == "getMe":
        return False
    return not (isinstance(error, TimedOut) and endpoint.startswith("send"))
