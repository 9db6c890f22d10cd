"""No request faster than Telegram allows: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this."""

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
"""Seconds before each further try after a network error or a 5xx."""
MAX_PROGRESS_WAIT_SECONDS = 60.0
"""Seconds of a 429 beyond which a mere progress edit is given up."""
PROGRESS_PER_MINUTE = 12
"""Progress edits in a group; what is left of Telegram's 20 a minute is for answers."""
MAX_CHATS = 512
"""Chats remembered before the quiet ones are forgotten."""


class ProgressAwareRateLimiter(BaseRateLimiter[bool]):
    """`rate_limit_args=True` marks a progress edit: it yields to answers, and is not worth a long wait."""

    def __init__(self) -> None:
        self._overall = AsyncLimiter(FloodLimit.MESSAGES_PER_SECOND, 1)
        self._chats: dict[Any, _Chat] = {}

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""

    async def process_request(  # noqa: PLR0917  # the library's signature
        self,
        callback: Callable[..., Coroutine[Any, Any, Answer]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: bool | None,
    ) -> Answer:
        """The answer, after as many tries as a 429 or the network asks for. Raises TelegramError."""
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
    """One chat's turns: about one edit a second, in groups 20 messages a minute, and none before a 429 is over."""

    def __init__(self, *, group: bool) -> None:
        self._all = AsyncLimiter(FloodLimit.MESSAGES_PER_MINUTE_PER_GROUP, 60) if group else None
        self._progress = AsyncLimiter(PROGRESS_PER_MINUTE, 60) if group else AsyncLimiter(1, 1)
        self._closed_until = 0.0

    async def acquire(self, stack: AsyncExitStack, *, progress: bool) -> None:
        if progress:
            await stack.enter_async_context(self._progress)
        if self._all is not None:
            await stack.enter_async_context(self._all)
        while (closed := self._closed_until - _now()) > 0:  # noqa: ASYNC110  # the end may move meanwhile
            await asyncio.sleep(closed)

    def block_for(self, error: RetryAfter) -> float:
        """Close the chat for as long as Telegram says, and return that in seconds."""
        wait = error.retry_after
        seconds = wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
        self._closed_until = max(self._closed_until, _now() + seconds)
        return seconds

    def is_idle(self) -> bool:
        limiters = [limiter for limiter in (self._all, self._progress) if limiter is not None]
        return self._closed_until <= _now() and all(limiter.has_capacity(limiter.max_rate) for limiter in limiters)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _worth_another_try(endpoint: str, error: NetworkError) -> bool:
    """Not what is refused for good, and not a send that timed out: it may have arrived, and would be there twice."""
    if isinstance(error, BadRequest) or endpoint == "getMe":
        return False
    return not (isinstance(error, TimedOut) and endpoint.startswith("send"))
