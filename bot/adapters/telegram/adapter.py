"""Poll Telegram for updates and serve each of them in its own task."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar

import structlog
from telegram import Update
from telegram.error import Conflict, InvalidToken, TelegramError

from bot.adapters.telegram.albums import Albums
from bot.adapters.telegram.answering import Answering
from bot.adapters.telegram.clicks import ClickServer
from bot.adapters.telegram.connection import (
    ON,
    REJECTED,
    TOKEN_CONFLICT,
    UNREACHABLE,
    create_bot,
    update_status,
)
from bot.adapters.telegram.errors import log_errors
from bot.adapters.telegram.menu import publish
from bot.adapters.telegram.message import Bot
from bot.adapters.telegram.messages import MessageServer
from bot.adapters.telegram.requests import RequestFactory
from bot.requests.service import Service

T = TypeVar("T")
log = structlog.get_logger()

POLL_SECONDS = 30
"""Seconds that one request for updates stays open (long polling)."""
ALBUM_SECONDS = 0.5
"""Seconds until the next poll while more of an album may come. The album is complete if that poll brings none of it."""
FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS = 1.0, 60.0
"""Seconds between attempts to reach Telegram: doubled after each failure, up to the maximum."""
ACCEPT_SECONDS = 5.0
"""Seconds that the next poll waits for earlier updates to be stored, which may need a file from Telegram first."""
UPDATE_TYPES = [Update.MESSAGE, Update.EDITED_MESSAGE, Update.CALLBACK_QUERY]
"""The kinds of update that Telegram is asked for."""


async def run(service: Service) -> None:
    """Serve Telegram until cancelled, or until it rejects the token. Report every change of state in `status`."""
    # Even in debug mode: these libraries log URLs, and the URLs contain the token.
    for name in ("httpx", "httpcore", "telegram"):
        logging.getLogger(name).setLevel(logging.WARNING)
    bot = create_bot(service.studio.settings.telegram)
    try:
        await _Adapter(service, bot).run()
    except* InvalidToken:
        update_status(service, REJECTED)
    finally:
        await bot.shutdown()


class _Adapter:
    """Polls one bot's updates and serves them."""

    def __init__(self, service: Service, bot: Bot) -> None:
        self._service, self._bot = service, bot
        self._group = asyncio.TaskGroup()
        self._closing = False
        self._answering = Answering(service, bot, self._start)
        requests = RequestFactory(bot, service.studio)
        self._messages = MessageServer(service, bot, self._answering, requests)
        self._clicks = ClickServer(service, bot, self._answering, requests, self._messages)
        self._albums = Albums()

    async def run(self) -> None:
        """Connect, publish the command menu, resume unfinished jobs, then serve updates until cancelled. Raises
        InvalidToken.
        """
        async with self._group:
            try:
                await self._connect_and_serve()
            finally:
                self._closing = True

    async def _connect_and_serve(self) -> None:
        await self._retry_until_answered(self._bot.initialize)
        log.info("telegram", open=self._bot.link)
        studio = self._service.studio
        self._start(partial(publish, self._bot, studio.commands, studio.settings.telegram.admins))
        await self._answering.expiring.resume()
        for job in await self._service.unfinished_jobs("telegram"):
            self._answering.resume(job)
        await self._serve_updates()

    async def _serve_updates(self) -> None:
        """Serve updates until cancelled. Updates from `next_update` on are new; those of open albums come again."""
        next_update = 0
        accepted_events: list[asyncio.Event] = []
        while True:
            first = self._albums.first_update
            updates = await self._retry_until_answered(partial(self._poll, next_update if first is None else first))
            new = [update for update in updates if update.update_id >= next_update]
            accepted_events += self._start_serving(new, next_update)
            next_update = max((update.update_id + 1 for update in new), default=next_update)
            if self._albums.first_update is not None:
                await asyncio.sleep(ALBUM_SECONDS)
            else:
                await _wait_for_all(accepted_events)
                accepted_events.clear()

    def _start_serving(self, updates: Sequence[Update], first: int) -> list[asyncio.Event]:
        """Start serving the updates, whose numbers begin at `first`. Return the events that they are accepted."""
        single = [each for each in updates if not (each.message and self._albums.add(each.update_id, each.message))]
        albums = self._albums.take_complete(first)
        served = [partial(self._serve_update, update) for update in single]
        served += [partial(self._messages.serve, album) for album in albums]
        events = [asyncio.Event() for _ in served]
        for serve, event in zip(served, events, strict=True):
            self._start(partial(_serve_and_accept, serve, event))
        return events

    def _start(self, work: Callable[[], Awaitable[object]]) -> None:
        """Run work in the background and log its failure. During a shutdown nothing starts: what is stored goes on at
        the next start.
        """
        if not self._closing:
            self._group.create_task(_run_and_log(work))

    async def _poll(self, offset: int) -> tuple[Update, ...]:
        """Return the next updates. After a failure the poll returns at once, to learn whether Telegram is back."""
        is_on = self._service.studio.adapters.get("telegram") == ON
        return await self._bot.get_updates(offset, timeout=POLL_SECONDS if is_on else 0, allowed_updates=UPDATE_TYPES)

    async def _retry_until_answered(self, call: Callable[[], Awaitable[T]]) -> T:
        """Return what `call` returns, and retry for as long as Telegram cannot be reached. Raises InvalidToken."""
        wait = FIRST_RETRY_SECONDS
        while True:
            try:
                answer = await call()
            except InvalidToken:
                raise
            except TelegramError as error:
                update_status(self._service, TOKEN_CONFLICT if isinstance(error, Conflict) else UNREACHABLE)
                log.debug("telegram", why=error.message)
            else:
                update_status(self._service, ON)
                return answer
            await asyncio.sleep(wait)
            wait = min(2 * wait, MAX_RETRY_SECONDS)

    async def _serve_update(self, update: Update, accepted: Callable[[], None]) -> None:
        if update.message is not None:
            await self._messages.serve((update.message,), accepted)
        elif update.edited_message is not None:
            await self._messages.serve_edited(update.edited_message, accepted)
        elif update.callback_query is not None:
            await self._clicks.serve(update.callback_query, accepted)


async def _run_and_log(work: Callable[[], Awaitable[object]]) -> None:
    """Call `work` and log its failure. It is called here, so that nothing is left unawaited where a shutdown comes
    first.
    """
    await log_errors(work())


async def _serve_and_accept(serve: Callable[[Callable[[], None]], Awaitable[None]], accepted: asyncio.Event) -> None:
    """Serve an update or an album. Set `accepted` once it is stored, refused or answered."""
    try:
        await serve(accepted.set)
    finally:
        accepted.set()


async def _wait_for_all(events: Iterable[asyncio.Event]) -> None:
    """Wait until all events are set, at most ACCEPT_SECONDS.

    The next poll makes Telegram forget the updates it sent, so these should be stored first.
    """
    try:
        async with asyncio.timeout(ACCEPT_SECONDS):
            for event in events:
                await event.wait()
    except TimeoutError:
        log.info("fetching more updates while requests are still being stored")
