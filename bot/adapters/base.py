"""The only serving loop: a request's updates become one live message, edited no faster than its platform allows."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

from bot.app import Studio
from bot.core.command import Replied, Request
from bot.i18n.translate import Language, language_of
from bot.presentation.card import Card, card_of
from bot.presentation.delivery import fitted
from engine.core.job import Job, Update


@dataclass(frozen=True)
class Limits:
    """What a platform takes: seconds between edits of a message, characters of text, bytes and count of files."""

    edit_seconds: float
    text_length: int
    file_bytes: int
    file_count: int


Note = Callable[[str], Awaitable[None]]
"""Takes the origin that names a message just posted."""


class Live(Protocol):
    """One live message at a platform: the first `show` posts it, the next ones edit it.

    `note` is set for a job: it is told where the message stands as soon as it is posted, and before a file is sent that
    no later run could edit, so that such a run shows the job there and posts nothing twice.
    """

    limits: Limits
    note: Note | None

    async def show(self, card: Card) -> None: ...


L = TypeVar("L", bound=Live)


class Within(Generic[L]):
    """Decides what becomes of the cards of `live`, whose limits and note are its own."""

    def __init__(self, live: L) -> None:
        self.limits = live.limits
        self._live = live

    @property
    def note(self) -> Note | None:
        return self._live.note

    @note.setter
    def note(self, note: Note | None) -> None:
        self._live.note = note


class Handler(Protocol):
    """The part of `bot.requests.service.Service` that adapters use."""

    @property
    def studio(self) -> Studio: ...

    def handle(self, request: Request) -> AsyncGenerator[Update, None]: ...

    def resume(self, job: Job) -> AsyncGenerator[Update, None]: ...

    def leave(self, job: str) -> None: ...

    async def addressed(self, job: str, origin: str) -> None: ...

    def serving(self) -> AbstractContextManager[None]: ...


async def serve(
    service: Handler,
    request: Request,
    live: Live,
    then: Callable[[Job], object],
    accepted: Callable[[], None] | None = None,
) -> None:
    """Show every update of `request` in `live`: the newest state wins, the final card is always shown.

    `then` is given each job that was made with the answer, to be resumed in a message of its own; `accepted` is called
    once the request is refused, answered or in the store.
    """
    await _Board(service, live, request.language, then, accepted).follow(service.handle(request))


async def resume(service: Handler, job: Job, live: Live) -> None:
    """Show what becomes of a job that is in the store and that nobody shows."""
    await _Board(service, live, language_of(job.language)).follow(service.resume(job))


def cut(text: str, length: int) -> str:
    """`text` within `length` characters, its end marked where it was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"


class _Board:
    """Holds the newest card until the platform may be edited again."""

    def __init__(
        self,
        service: Handler,
        live: Live,
        language: Language,
        then: Callable[[Job], object] = lambda _: None,
        accepted: Callable[[], None] | None = None,
    ) -> None:
        self._service, self._live, self._language = service, live, language
        self._then, self._accepted = then, accepted
        self._newest: Card | None = None
        self._job = ""
        self._changed = asyncio.Event()
        self._ended = asyncio.Event()
        self._shown = asyncio.Event()

    async def follow(self, updates: AsyncGenerator[Update, None]) -> None:
        with self._service.serving():
            async with asyncio.TaskGroup() as group, aclosing(updates):
                keeper = group.create_task(self._keep())
                try:
                    async for update in updates:
                        await self._put(update)
                except asyncio.CancelledError:
                    if not keeper.done():
                        self._service.leave(self._job)
                    raise
                self._close()

    async def _put(self, update: Update) -> None:
        """Returns at once, but from a final card only when it is shown: the next step says that it was."""
        if self._accepted is not None:
            self._accepted()
        if update.job and not self._job:
            self._job = update.job
            self._live.note = partial(self._service.addressed, update.job)
        for job in update.then if isinstance(update, Replied) else ():
            self._then(job)
        self._newest = card_of(update, self._language, self._service.studio.commands)
        self._changed.set()
        if self._newest.final:
            self._ended.set()
            await self._shown.wait()

    def _close(self) -> None:
        self._ended.set()
        self._changed.set()

    async def _keep(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            if (card := self._take()) is not None:
                if card.final:
                    card = await fitted(card, self._live.limits.file_bytes, self._language, self._service.studio)
                await self._live.show(card)
                if card.final:
                    self._shown.set()
                    return
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
