"""Telegram's long poll, and each update in a task of its own."""

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
from telegram.ext import ExtBot
from telegram.request import HTTPXRequest

from bot.adapters.base import LiveMessage, resume, serve
from bot.adapters.telegram.callbacks import CallbackLiveMessage, ReplacingLiveMessage, carries
from bot.adapters.telegram.edit import button_of, open_edit
from bot.adapters.telegram.menu import publish
from bot.adapters.telegram.message import Bot, TelegramLiveMessage
from bot.adapters.telegram.message_ref import MessageRef
from bot.adapters.telegram.rate_limiter import ProgressAwareRateLimiter
from bot.adapters.telegram.requests import RequestFactory, TypedCommand, language, sender_of, user_of
from bot.config.sections import TelegramSection
from bot.core.command import Request
from bot.i18n.translate import language_of, translate
from bot.presentation.buttons import command_of, deletes_message, parse_button
from bot.presentation.card import card_of
from bot.requests.service import Service
from engine.core.errors import AtelierError, UserMessage
from engine.core.job import Failed, Job

T = TypeVar("T")
log = structlog.get_logger()

POLL_SECONDS = 30
FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS = 1.0, 60.0
"""Seconds before Telegram is asked again after it could not be reached; doubled each time."""
ACCEPT_SECONDS = 5.0
"""How long new updates wait for the earlier ones: a file is fetched before its job is in the store."""
UPDATES = [Update.MESSAGE, Update.CALLBACK_QUERY]

NOT_HERE = "This button is not under that message any more."
ON = UserMessage(template="on")
REJECTED = UserMessage(
    template="off: Telegram rejects the token in {variable}; ask @BotFather for the right one and start again",
    facts={"variable": "ATELIER_TELEGRAM_TOKEN"},
)
UNREACHABLE = UserMessage(template="Telegram cannot be reached from here; trying again. Check the network")
NOT_ALONE = UserMessage(template="another program uses the same Telegram token; stop it, this one keeps trying")


async def run(service: Service) -> None:
    """Serve until cancelled, or until Telegram rejects the token. `status` always knows how it stands."""
    # However chatty the rest is: these write URLs, and the URLs hold the token.
    for name in ("httpx", "httpcore", "telegram"):
        logging.getLogger(name).setLevel(logging.WARNING)
    bot = _bot(service.studio.settings.telegram)
    try:
        await _Adapter(service, bot).run()
    except* InvalidToken:
        _say(service, REJECTED)
    finally:
        await bot.shutdown()


def _bot(settings: TelegramSection) -> Bot:
    assert settings.token is not None, "started only with a token"
    home = (settings.base_url or "https://api.telegram.org").rstrip("/")
    return ExtBot(
        settings.token.get_secret_value().strip(),
        base_url=f"{home}/bot",
        base_file_url=f"{home}/file/bot",
        request=HTTPXRequest(
            connect_timeout=10, read_timeout=20, write_timeout=20, media_write_timeout=120, pool_timeout=60
        ),
        get_updates_request=HTTPXRequest(connect_timeout=10),
        rate_limiter=ProgressAwareRateLimiter(),
    )


def _say(service: Service, state: UserMessage) -> None:
    """Into `status`, and into the log where it changes."""
    if service.studio.adapters.get("telegram") != state:
        (log.info if state == ON else log.warning)("telegram", state=str(state))
    service.studio.adapters["telegram"] = state


class _Adapter:
    def __init__(self, service: Service, bot: Bot) -> None:
        self._service, self._bot = service, bot
        self._inbox = RequestFactory(bot, service.studio)
        self._group = asyncio.TaskGroup()
        self._local = service.studio.settings.telegram.base_url is not None

    async def run(self) -> None:
        async with self._group as group:
            await self._reach(self._bot.initialize)
            log.info("telegram", open=self._bot.link)
            group.create_task(_log_errors(publish(self._bot, self._service.studio.commands)))
            for job in await self._service.unfinished_jobs("telegram"):
                self._resume(job)
            offset = 0
            while True:
                updates = await self._reach(partial(self._poll, offset))
                taken = [asyncio.Event() for _ in updates]
                for update, accepted in zip(updates, taken, strict=True):
                    offset = update.update_id + 1
                    group.create_task(_log_errors(self._take(update, accepted)))
                await _all_set(taken)

    async def _poll(self, offset: int) -> tuple[Update, ...]:
        """The next updates; after a fault at once, to know whether it is over."""
        well = self._service.studio.adapters.get("telegram") == ON
        return await self._bot.get_updates(offset, timeout=POLL_SECONDS if well else 0, allowed_updates=UPDATES)

    async def _reach(self, call: Callable[[], Awaitable[T]]) -> T:
        """What Telegram answers, however long it cannot be reached. Raises InvalidToken."""
        wait = FIRST_RETRY_SECONDS
        while True:
            try:
                answer = await call()
            except InvalidToken:
                raise
            except TelegramError as error:
                _say(self._service, NOT_ALONE if isinstance(error, Conflict) else UNREACHABLE)
                log.debug("telegram", why=error.message)
            else:
                _say(self._service, ON)
                return answer
            await asyncio.sleep(wait)
            wait = min(2 * wait, MAX_RETRY_SECONDS)

    async def _take(self, update: Update, accepted: asyncio.Event) -> None:
        try:
            if update.message is not None:
                await self._serve_message(update.message, accepted)
            elif update.callback_query is not None:
                await self._serve_button(update.callback_query, accepted)
        finally:
            accepted.set()

    async def _serve_message(self, message: Message, accepted: asyncio.Event) -> None:
        made = self._request_from_message(message)
        if made is not None:
            who = sender_of(message)
            await self._serve(made, self._live(message, who), who, accepted)

    def _request_from_message(self, message: Message) -> Awaitable[Request] | None:
        """What a message asks: a command, or a text that was opened for editing and comes back."""
        button = button_of(message, self._bot.id, self._service.studio.commands)
        if button is not None:
            return self._inbox.from_edited_text(message, button)
        words = TypedCommand.of(message, self._service.studio, self._bot.username)
        return self._inbox.from_command(words) if words is not None else None

    async def _serve_button(self, query: CallbackQuery, accepted: asyncio.Event) -> None:
        if query.message is None:
            return
        command = command_of(query.data or "", self._service.studio.commands)
        if (
            command is not None
            and (command.deletes_message or command.replaces_message)
            and not await self._belongs(query)
        ):
            log.warning("a press that is not of its message is refused", button=query.data, user=query.from_user.id)
            await query.answer(translate(NOT_HERE, language(query.from_user)), show_alert=True)
            return
        made, who = self._inbox.from_button(query, query.message), query.from_user
        if command is not None and command.edited_option:
            await open_edit(query, await made, self._service.studio)
        elif command is not None and command.replaces_message:
            place = replace(MessageRef.of(query.message), live=query.message.message_id)
            live = TelegramLiveMessage(self._bot, place, language(who), local=self._local)
            await self._serve(made, ReplacingLiveMessage(query, live), who, accepted)
        else:
            press = CallbackLiveMessage(query, self._live(query.message, who), await self._message_to_delete(query))
            await self._serve(made, press, who, accepted)

    async def _belongs(self, query: CallbackQuery) -> bool:
        """Return whether the press is of its message; of one without a keyboard, whether the job stands there."""
        shown = await self._message_to_delete(query)
        message = query.message
        return carries(query) or (
            shown is not None
            and message is not None
            and not message.is_accessible
            and (shown.chat, shown.live) == (message.chat.id, message.message_id)
        )

    async def _message_to_delete(self, query: CallbackQuery) -> MessageRef | None:
        """Where the job stands that the button would take away; None for any other button."""
        button, studio = query.data or "", self._service.studio
        if query.message is None or not deletes_message(button, studio.commands):
            return None
        row = await studio.store.job(parse_button(button, studio.commands).raw_options.get("job", ""))
        place = MessageRef.parse(row.job.origin) if row and row.job.user.startswith("telegram:") else None
        return place if place and place.chat == query.message.chat.id else MessageRef.of(query.message)

    def _resume(self, job: Job) -> None:
        self._group.create_task(_log_errors(self._resume_job(job)))

    async def _resume_job(self, job: Job) -> None:
        place, words = MessageRef.parse(job.origin), language_of(job.language)
        with bound_contextvars(user=job.user, job=job.id):
            await resume(self._service, job, TelegramLiveMessage(self._bot, place, words, local=self._local))

    def _live(self, message: MaybeInaccessibleMessage, who: User | Chat) -> TelegramLiveMessage:
        return TelegramLiveMessage(self._bot, MessageRef.of(message), language(who), local=self._local)

    async def _serve(
        self, made: Awaitable[Request], live: LiveMessage, who: User | Chat, accepted: asyncio.Event
    ) -> None:
        with bound_contextvars(user=user_of(who)):
            try:
                request = await made
            except AtelierError as error:
                log.info("refused", kind=error.kind, why=str(error))
                await live.show(card_of(Failed.of(error), language(who), ()))
                return
            await serve(self._service, request, live, self._resume, accepted.set)


async def _all_set(events: Iterable[asyncio.Event]) -> None:
    """Asking for more makes Telegram forget what it sent: not before that is in the store, or ACCEPT_SECONDS passed."""
    try:
        async with asyncio.timeout(ACCEPT_SECONDS):
            for event in events:
                await event.wait()
    except TimeoutError:
        log.info("asking for more while requests are still being taken")


async def _log_errors(work: Awaitable[object]) -> None:
    """One update's fault stays with that update, and in the log."""
    try:
        await work
    except* TelegramError as errors:
        log.error("not delivered", why=_messages(errors))  # noqa: TRY400  # a traceback's causes name URLs
    except* Exception:
        log.exception("a fault while serving Telegram")


def _messages(errors: BaseExceptionGroup[TelegramError]) -> list[str]:
    """What Telegram said, out of however many task groups."""
    found = [
        _messages(error) if isinstance(error, BaseExceptionGroup) else [error.message] for error in errors.exceptions
    ]
    return [message for messages in found for message in messages]
