"""Poll Telegram for updates and serve each of them in its own task."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import TypeVar

import structlog
from structlog.contextvars import bound_contextvars
from telegram import CallbackQuery, Chat, MaybeInaccessibleMessage, Message, Update, User
from telegram.error import Conflict, InvalidToken, TelegramError

from bot.adapters.base import LiveMessage, resume, serve
from bot.adapters.telegram.callbacks import (
    CallbackLiveMessage,
    DeletingLiveMessage,
    ReplacingLiveMessage,
)
from bot.adapters.telegram.clicked import (
    is_from_own_message,
    is_on_dead_card,
    is_shown_elsewhere,
    message_to_delete,
)
from bot.adapters.telegram.connection import (
    ON,
    REJECTED,
    TOKEN_CONFLICT,
    UNREACHABLE,
    create_bot,
    update_status,
)
from bot.adapters.telegram.edit import button_of, open_edit
from bot.adapters.telegram.errors import is_telegram_error, log_errors
from bot.adapters.telegram.menu import publish
from bot.adapters.telegram.message import Bot, TelegramLiveMessage
from bot.adapters.telegram.message_ref import MessageRef
from bot.adapters.telegram.requests import RequestFactory, TypedCommand, language_of_sender, sender_of, user_of
from bot.core.command import Button, ButtonAction, Request
from bot.i18n.translate import language_of, translate
from bot.presentation.buttons import action_of, label_of
from bot.presentation.card import Card, card_of
from bot.requests.service import Service
from engine.core.errors import AtelierError
from engine.core.job import Failed, Job

T = TypeVar("T")
log = structlog.get_logger()

POLL_SECONDS = 30
"""Seconds that one request for updates stays open (long polling)."""
FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS = 1.0, 60.0
"""Seconds between attempts to reach Telegram: doubled after each failure, up to the maximum."""
ACCEPT_SECONDS = 5.0
"""Seconds that the next poll waits for earlier updates to be stored, which may need a file from Telegram first."""
UPDATE_TYPES = [Update.MESSAGE, Update.CALLBACK_QUERY]
"""The kinds of update that Telegram is asked for."""

SHOWN_ELSEWHERE = "This job has ended. Its answer is in another message."
FAILURE = "Something went wrong on our side. Please try again later."
BUTTON_GONE = "This button no longer belongs to that message."


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
        self._requests = RequestFactory(bot, service.studio)
        self._group = asyncio.TaskGroup()
        self._local = service.studio.settings.telegram.base_url is not None

    async def run(self) -> None:
        """Connect, publish the command menu, resume unfinished jobs, then serve updates until cancelled. Raises
        InvalidToken.
        """
        async with self._group as group:
            await self._retry_until_answered(self._bot.initialize)
            log.info("telegram", open=self._bot.link)
            group.create_task(log_errors(publish(self._bot, self._service.studio.commands)))
            for job in await self._service.unfinished_jobs("telegram"):
                self._resume(job)
            offset = 0
            while True:
                updates = await self._retry_until_answered(partial(self._poll, offset))
                accepted_events = [asyncio.Event() for _ in updates]
                for update, accepted in zip(updates, accepted_events, strict=True):
                    offset = update.update_id + 1
                    group.create_task(log_errors(self._handle_update(update, accepted)))
                await _wait_for_all(accepted_events)

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

    async def _handle_update(self, update: Update, accepted: asyncio.Event) -> None:
        """Serve one update. Set `accepted` once it is stored, refused or answered."""
        try:
            if update.message is not None:
                await self._serve_message(update.message, accepted)
            elif update.callback_query is not None:
                await self._serve_button(update.callback_query, accepted)
        finally:
            accepted.set()

    async def _serve_message(self, message: Message, accepted: asyncio.Event) -> None:
        request = self._request_from_message(message)
        if request is not None:
            who = sender_of(message)
            await self._serve(request, self._live(message, who), who, accepted)

    def _request_from_message(self, message: Message) -> Awaitable[Request] | None:
        """Return the request in a message: a command, or the edited text that a button asked for. Return None if there
        is none.
        """
        button = button_of(message, self._bot.id, self._service.studio.commands)
        if button is not None:
            return self._requests.from_edited_text(message, button)
        typed = TypedCommand.of(message, self._service.studio, self._bot.username)
        return self._requests.from_command(typed) if typed is not None else None

    async def _serve_button(self, query: CallbackQuery, accepted: asyncio.Event) -> None:
        """Serve a click: open a text, replace the button's message, delete it, or answer in a new one.

        A click that could replace or delete a message is refused where the button does not belong to that message.
        """
        studio = self._service.studio
        if query.message is None:
            return None
        action = action_of(query.data or "", studio.commands)
        if action in (ButtonAction.DELETE, ButtonAction.REPLACE) and not await is_from_own_message(query, studio):
            log.warning("refused a button that is not under its message", button=query.data, user=query.from_user.id)
            await query.answer(translate(BUTTON_GONE, language_of_sender(query.from_user)), show_alert=True)
            return None
        if await is_on_dead_card(query, studio):
            return await self._revive_card(query, query.message, accepted)
        request, who = self._requests.from_button(query, query.message, query.data or ""), query.from_user
        if action is ButtonAction.EDIT:
            opening = partial(open_edit, query, request, studio)
            await self._report_failure(opening, CallbackLiveMessage(query, self._live(query.message, who)), who)
        elif action is ButtonAction.REPLACE:
            await self._serve(request, self._replacing(query, query.message), who, accepted)
        else:
            await self._serve(request, await self._callback_message(query, query.message), who, accepted)
        return None

    async def _revive_card(
        self, query: CallbackQuery, message: MaybeInaccessibleMessage, accepted: asyncio.Event
    ) -> None:
        """Show the outcome of the card's job. If that is shown elsewhere in the chat, delete the card."""
        job = (query.data or "").partition(":")[2]
        if await is_shown_elsewhere(message, job, self._service.studio):
            await query.answer(translate(SHOWN_ELSEWHERE, language_of_sender(query.from_user)), show_alert=True)
            await query.delete_message()
            return
        request = self._requests.from_button(query, message, f"show:{job}")
        await self._serve(request, self._replacing(query, message), query.from_user, accepted)

    def _replacing(self, query: CallbackQuery, message: MaybeInaccessibleMessage) -> ReplacingLiveMessage:
        """Return what shows the answer to a click in place of the clicked message."""
        ref, language = replace(MessageRef.of(message), live=message.message_id), language_of_sender(query.from_user)
        return ReplacingLiveMessage(query, TelegramLiveMessage(self._bot, ref, language, local=self._local))

    async def _callback_message(self, query: CallbackQuery, message: MaybeInaccessibleMessage) -> CallbackLiveMessage:
        """Return where the answer to a click is shown: a pop-up or a new message, or in place of what it deletes."""
        live, to_delete = self._live(message, query.from_user), await message_to_delete(query, self._service.studio)
        if to_delete is None:
            return CallbackLiveMessage(query, live)
        language, (command, _, argument) = language_of_sender(query.from_user), (query.data or "").partition(":")
        label = label_of(query.data or "", self._service.studio.commands, language)
        button = Button(label, command, argument) if label else None
        return DeletingLiveMessage(query, live, to_delete, button, language)

    def _resume(self, job: Job) -> None:
        self._group.create_task(log_errors(self._resume_job(job)))

    async def _resume_job(self, job: Job) -> None:
        ref, language = MessageRef.parse(job.origin), language_of(job.language)
        with bound_contextvars(user=job.user, job=job.id):
            await resume(self._service, job, TelegramLiveMessage(self._bot, ref, language, local=self._local))

    def _live(self, message: MaybeInaccessibleMessage, who: User | Chat) -> TelegramLiveMessage:
        return TelegramLiveMessage(self._bot, MessageRef.of(message), language_of_sender(who), local=self._local)

    async def _serve(
        self, pending: Awaitable[Request], live: LiveMessage, who: User | Chat, accepted: asyncio.Event
    ) -> None:
        """Show the answer to a request in `live`. Show a refusal if the request cannot be created."""
        with bound_contextvars(user=user_of(who)):
            await self._report_failure(partial(self._answer, pending, live, who, accepted), live, who)

    async def _answer(
        self, pending: Awaitable[Request], live: LiveMessage, who: User | Chat, accepted: asyncio.Event
    ) -> None:
        try:
            request = await pending
        except AtelierError as error:
            log.info("refused", kind=error.kind, why=str(error))
            await live.show(card_of(Failed.of(error), language_of_sender(who), ()))
            return
        await serve(self._service, request, live, self._resume, accepted.set)

    async def _report_failure(self, work: Callable[[], Awaitable[None]], live: LiveMessage, who: User | Chat) -> None:
        """Await `work`. If it fails unexpectedly, tell the person in `live`, and raise. What Telegram refused or may
        have delivered is not followed by another message.
        """
        try:
            await work()
        except Exception as error:
            if not is_telegram_error(error):
                await live.show(Card(translate(FAILURE, language_of_sender(who)), final=True, failed=True))
            raise


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
