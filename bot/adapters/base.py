"""The only serving loop: a request's updates become one live message, edited no faster than its platform allows."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

from bot.app import AppContext
from bot.core.command import Replied, Request
from bot.i18n.translate import Language, language_of
from bot.presentation.card import Card, card_of
from bot.presentation.delivery import fit_to_limit
from engine.core.job import Job, Update


@dataclass(frozen=True)
class Limits:
    """What a platform takes: seconds between edits of a message, characters of text, bytes and count of files."""

    edit_seconds: float
    text_length: int
    file_bytes: int
    file_count: int


OnPosted = Callable[[str], Awaitable[None]]
"""Takes the origin that names a message just posted."""


class LiveMessage(Protocol):
    """One live message at a platform: the first `show` posts it, the next ones edit it.

    `on_posted` is set for a job: it is told where the message stands as soon as it is posted, and before a file is sent
    that no later run could edit, so that such a run shows the job there and posts nothing twice.
    """

    limits: Limits
    on_posted: OnPosted | None

    async def show(self, card: Card) -> None: ...


L = TypeVar("L", bound=LiveMessage)


class LiveMessageWrapper(Generic[L]):
    """Decides what becomes of the cards of `live`, whose limits and note are its own."""

    def __init__(self, live: L) -> None:
        self.limits = live.limits
        self._live = live

    @property
    def on_posted(self) -> OnPosted | None:
        return self._live.on_posted

    @on_posted.setter
    def on_posted(self, note: OnPosted | None) -> None:
        self._live.on_posted = note


class Handler(Protocol):
    """The part of `bot.requests.service.Service` that adapters use."""

    @property
    def studio(self) -> AppContext: ...

    def handle(self, request: Request) -> AsyncGenerator[Update, None]: ...

    def resume(self, job: Job) -> AsyncGenerator[Update, None]: ...

    def detach(self, job: str) -> None: ...

    async def set_origin(self, job: str, origin: str) -> None: ...

    def track_request(self) -> AbstractContextManager[None]: ...


async def serve(
    service: Handler,
    request: Request,
    live: LiveMessage,
    on_job: Callable[[Job], object],
    on_accepted: Callable[[], None] | None = None,
) -> None:
    """Show every update of `request` in `live`: the newest state wins, the final card is always shown.

    `on_job` is given each job that was made with the answer, to be resumed in a message of its own; `on_accepted` is
    called once the request is refused, answered or in the store.
    """
    await _LivePresenter(service, live, request.language, on_job, on_accepted).present(service.handle(request))


async def resume(service: Handler, job: Job, live: LiveMessage) -> None:
    """Show what becomes of a job that is in the store and that nobody shows."""
    await _LivePresenter(service, live, language_of(job.language)).present(service.resume(job))


def cut(text: str, length: int) -> str:
    """`text` within `length` characters, its end marked where it was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"


class _LivePresenter:
    """Holds the newest card until the platform may be edited again."""

    def __init__(
        self,
        service: Handler,
        live: LiveMessage,
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

    async def present(self, updates: AsyncGenerator[Update, None]) -> None:
        with self._service.track_request():
            async with asyncio.TaskGroup() as group, aclosing(updates):
                keeper = group.create_task(self._render_loop())
                try:
                    async for update in updates:
                        await self._submit(update)
                except asyncio.CancelledError:
                    if not keeper.done():
                        self._service.detach(self._job)
                    raise
                self._close()

    async def _submit(self, update: Update) -> None:
        """Returns at once, but from a final card only when it is shown: the next step says that it was."""
        if self._accepted is not None:
            self._accepted()
        if update.job and not self._job:
            self._job = update.job
            self._live.on_posted = partial(self._service.set_origin, update.job)
        for job in update.jobs if isinstance(update, Replied) else ():
            self._then(job)
        self._newest = card_of(update, self._language, self._service.studio.commands)
        self._changed.set()
        if self._newest.final:
            self._ended.set()
            await self._shown.wait()

    def _close(self) -> None:
        self._ended.set()
        self._changed.set()

    async def _render_loop(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            if (card := self._pop()) is not None:
                if card.final:
                    card = await fit_to_limit(card, self._live.limits.file_bytes, self._language, self._service.studio)
                await self._live.show(card)
                if card.final:
                    self._shown.set()
                    return
            if self._ended.is_set() and not self._changed.is_set():
                return
            await self._pause()

    def _pop(self) -> Card | None:
        card, self._newest = self._newest, None
        return card

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._live.limits.edit_seconds):
                await self._ended.wait()
        except TimeoutError:
            return
