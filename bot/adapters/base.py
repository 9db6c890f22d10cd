"""The only serving loop: a request's updates become one live message, edited no faster than its platform allows."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass
from typing import Protocol

from bot.card import Card, card_of
from bot.command import Request
from engine.job import Update


@dataclass(frozen=True)
class Limits:
    """What a platform takes: seconds between edits of a message, characters of text, bytes and count of files."""

    edit_seconds: float
    text_length: int
    file_bytes: int
    file_count: int


class Live(Protocol):
    """One live message at a platform: the first `show` posts it, the next ones edit it."""

    limits: Limits

    async def show(self, card: Card) -> None: ...


class Handler(Protocol):
    """The part of `bot.service.Service` that adapters use."""

    def handle(self, request: Request) -> AsyncGenerator[Update, None]: ...

    def serving(self) -> AbstractContextManager[None]: ...


async def serve(service: Handler, request: Request, live: Live) -> None:
    """Show every update of `request` in `live`: the newest state wins, the final card is always shown."""
    board = _Board(live)
    with service.serving():
        async with asyncio.TaskGroup() as group, aclosing(service.handle(request)) as updates:
            group.create_task(board.keep())
            async for update in updates:
                board.put(card_of(update, request.language))
            board.close()


def press(button: str) -> tuple[str, str]:
    """The command and its argument that a button's id stands for."""
    command, _, argument = button.partition(":")
    return command, argument


def cut(text: str, length: int) -> str:
    """`text` within `length` characters, its end marked where it was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"


class _Board:
    """Holds the newest card until the platform may be edited again."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._newest: Card | None = None
        self._changed = asyncio.Event()
        self._ended = asyncio.Event()

    def put(self, card: Card) -> None:
        self._newest = card
        self._changed.set()
        if card.final:
            self._ended.set()

    def close(self) -> None:
        self._ended.set()
        self._changed.set()

    async def keep(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            if (card := self._take()) is not None:
                await self._live.show(card)
            if self._ended.is_set() and not self._changed.is_set():
                return
            await self._pause()

    def _take(self) -> Card | None:
        card, self._newest = self._newest, None
        return card

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._live.limits.edit_seconds):
                await self._ended.wait()
        except TimeoutError:
            return
