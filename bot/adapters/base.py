"""The serving loop of every platform. It shows a request's updates in one live message, at the pace the platform
allows.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

import structlog

from bot.app import AppContext
from bot.core.command import Replied, Request
from bot.i18n.translate import Language, language_of
from bot.presentation.card import Card, card_of
from bot.presentation.delivery import fit_to_limit
from engine.core.job import Job, Update

log = structlog.get_logger()


@dataclass(frozen=True)
class Limits:
    """What a platform allows: seconds between two edits of a message, characters of text, bytes of a file, files."""

    edit_seconds: float
    text_length: int
    file_bytes: int
    file_count: int


OnPosted = Callable[[str], Awaitable[None]]
"""Receives the origin (chat and message ids, as text) of a message that was just posted."""


class MessageGone(Exception):
    """Nobody can see the message any more: it was deleted, or the person blocked the bot."""


class LiveMessage(Protocol):
    """One live message on a platform. The first `show` posts it and later ones edit it.

    `on_posted` is set for jobs. It is called with the message's origin after posting, and again before an upload that
    cannot be edited later, so that a run after a restart edits the same message and posts nothing twice.
    """

    limits: Limits
    on_posted: OnPosted | None

    async def show(self, card: Card) -> None:
        """Post the card, or edit the message to show it. Return once the platform has accepted it.

        Raises MessageGone where nobody could see a card that is not final.
        """

    def skip_progress(self) -> None:
        """Give up a progress card that waits to be sent or sent again, because the final card has come."""


L = TypeVar("L", bound=LiveMessage)


class LiveMessageWrapper(Generic[L]):
    """Base of classes that show some cards elsewhere than in `live`. Limits and callback are forwarded to `live`."""

    def __init__(self, live: L) -> None:
        self.limits = live.limits
        self._live = live

    @property
    def on_posted(self) -> OnPosted | None:
        """Return the callback of the wrapped message."""
        return self._live.on_posted

    @on_posted.setter
    def on_posted(self, callback: OnPosted | None) -> None:
        """Set the callback of the wrapped message."""
        self._live.on_posted = callback

    def skip_progress(self) -> None:
        """Give up a progress card of the wrapped message."""
        self._live.skip_progress()


class Handler(Protocol):
    """The part of `bot.requests.service.Service` that adapters use."""

    @property
    def studio(self) -> AppContext:
        """Return the open store, engine and settings."""

    def handle(self, request: Request) -> AsyncGenerator[Update, None]:
        """Yield the updates of `request`, from its acceptance to its final state."""

    def resume(self, job: Job) -> AsyncGenerator[Update, None]:
        """Yield the updates of a stored job that nobody shows yet."""

    def detach(self, job: str) -> None:
        """Stop showing the job, which goes on without this listener."""

    async def set_origin(self, job: str, origin: str) -> None:
        """Store `origin` as the message that shows the job."""

    def track_request(self) -> AbstractContextManager[None]:
        """Return a context that counts as one open request, which a shutdown waits for."""


async def serve(
    service: Handler,
    request: Request,
    live: LiveMessage,
    on_job: Callable[[Job], object],
    on_accepted: Callable[[], None] | None = None,
) -> None:
    """Show every update of `request` in `live`. Updates that arrive faster than the platform allows are skipped, except
    the final one.

    `on_job` receives each job that a reply created, to be shown in a message of its own. `on_accepted` is called once
    the request is refused, answered or stored.
    """
    await _LivePresenter(service, live, request.language, on_job, on_accepted).present(service.handle(request))


async def resume(service: Handler, job: Job, live: LiveMessage) -> None:
    """Show the remaining updates of a stored job in `live`."""
    await _LivePresenter(service, live, language_of(job.language)).present(service.resume(job))


def truncate(text: str, length: int) -> str:
    """Return `text` in at most `length` characters, with an ellipsis at the end where it was shortened."""
    return text if len(text) <= length else text[: length - 1] + "…"


class _LivePresenter:
    """Keeps the newest card until the platform accepts another edit."""

    def __init__(
        self,
        service: Handler,
        live: LiveMessage,
        language: Language,
        on_job: Callable[[Job], object] = lambda _: None,
        on_accepted: Callable[[], None] | None = None,
    ) -> None:
        self._service, self._live, self._language = service, live, language
        self._on_job, self._on_accepted = on_job, on_accepted
        self._pending: Card | None = None
        self._job = ""
        self._changed = asyncio.Event()
        self._finished = asyncio.Event()
        self._shown = asyncio.Event()

    async def present(self, updates: AsyncGenerator[Update, None]) -> None:
        """Show the updates until they end. A job that nobody can see any more is cancelled, which frees its device."""
        with self._service.track_request():
            try:
                await self._present(updates)
            except* MessageGone:
                log.info("cancelled, because its message is gone", job=self._job)

    async def _present(self, updates: AsyncGenerator[Update, None]) -> None:
        """Show the updates until they end. If this is cancelled while cards can still be shown, detach from the job,
        which then continues.
        """
        async with asyncio.TaskGroup() as group, aclosing(updates):
            renderer = group.create_task(self._render_loop())
            try:
                async for update in updates:
                    await self._submit(update)
            except asyncio.CancelledError:
                if not renderer.done():
                    self._service.detach(self._job)
                raise
            self._close()

    async def _submit(self, update: Update) -> None:
        """Queue the update's card. Return at once, but for a final card only after it has been shown, because the
        service then records the job as delivered.
        """
        if self._on_accepted is not None:
            self._on_accepted()
        if update.job and not self._job:
            self._job = update.job
            self._live.on_posted = partial(self._service.set_origin, update.job)
        for job in update.jobs if isinstance(update, Replied) else ():
            self._on_job(job)
        self._pending = card_of(update, self._language, self._service.studio.commands)
        self._changed.set()
        if self._pending.final:
            self._finished.set()
            self._live.skip_progress()
            await self._shown.wait()

    def _close(self) -> None:
        self._finished.set()
        self._changed.set()

    async def _render_loop(self) -> None:
        """Show the newest card whenever it changes, until the final one was shown or the updates ended."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            if (card := self._take_pending()) is not None:
                if card.final:
                    card = await fit_to_limit(card, self._live.limits.file_bytes, self._language, self._service.studio)
                await self._show(card)
                if card.final:
                    self._shown.set()
                    return
            if self._finished.is_set() and not self._changed.is_set():
                return
            await self._wait_for_next_edit()

    async def _show(self, card: Card) -> None:
        """Show the card. Where its message is gone, raise MessageGone only if no final card follows."""
        try:
            await self._live.show(card)
        except MessageGone:
            if not self._finished.is_set():
                raise

    def _take_pending(self) -> Card | None:
        """Return the card that is waiting to be shown, and forget it."""
        card, self._pending = self._pending, None
        return card

    async def _wait_for_next_edit(self) -> None:
        """Wait until the platform allows another edit, or until the final card is there."""
        try:
            async with asyncio.timeout(self._live.limits.edit_seconds):
                await self._finished.wait()
        except TimeoutError:
            return
