"""Answer requests: in a new message, in place of a message, or with a refusal where a request cannot be created."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

import structlog
from structlog.contextvars import bound_contextvars
from telegram import CallbackQuery, Chat, MaybeInaccessibleMessage, User

from bot.adapters.base import LiveMessage, resume, serve
from bot.adapters.telegram.callbacks import ReplacingLiveMessage
from bot.adapters.telegram.chat_action import ActiveLiveMessage
from bot.adapters.telegram.errors import is_telegram_error
from bot.adapters.telegram.message import Bot, TelegramLiveMessage
from bot.adapters.telegram.message_ref import MessageRef
from bot.adapters.telegram.requests import language_of_sender, user_of
from bot.adapters.telegram.short_lived import GroupLiveMessage, ShortLivedMessages
from bot.core.command import Request
from bot.i18n.translate import language_of, translate
from bot.presentation.card import Card, card_of
from bot.requests.service import Service
from engine.core.errors import AtelierError
from engine.core.job import Failed, Job

log = structlog.get_logger()

FAILURE = "Something went wrong on our side. Please try again later."


class Answering:
    """Shows the answers to requests. `start` runs work in the background and logs its errors."""

    def __init__(self, service: Service, bot: Bot, start: Callable[[Callable[[], Awaitable[None]]], None]) -> None:
        self._service, self._bot, self._start = service, bot, start
        self._local = service.studio.settings.telegram.base_url is not None
        self.expiring = ShortLivedMessages(bot, service.studio.store, start)

    def live(self, message: MaybeInaccessibleMessage, who: User | Chat) -> TelegramLiveMessage:
        """Return what shows an answer as a reply to the message."""
        ref, language = MessageRef.of(message), language_of_sender(who)
        if ref.is_group:
            return GroupLiveMessage(self._bot, ref, language, self.expiring, local=self._local)
        return TelegramLiveMessage(self._bot, ref, language, local=self._local)

    def replacing(self, query: CallbackQuery, message: MaybeInaccessibleMessage) -> ReplacingLiveMessage:
        """Return what shows the answer to a click in place of the clicked message."""
        ref, language = replace(MessageRef.of(message), live=message.message_id), language_of_sender(query.from_user)
        return ReplacingLiveMessage(query, TelegramLiveMessage(self._bot, ref, language, local=self._local))

    def resume(self, job: Job) -> None:
        """Show the rest of a stored job in the background."""
        self._start(partial(self._resume, job))

    async def _resume(self, job: Job) -> None:
        ref, language = MessageRef.parse(job.origin), language_of(job.language)
        with bound_contextvars(user=job.user, job=job.id):
            live = TelegramLiveMessage(self._bot, ref, language, local=self._local)
            await resume(self._service, job, ActiveLiveMessage(live, self._bot, ref, job.command, self._start))

    async def serve(
        self, pending: Awaitable[Request | None], live: LiveMessage, who: User | Chat, accepted: Callable[[], None]
    ) -> None:
        """Show the answer to a request in `live`. Show a refusal if the request cannot be created, and nothing if the
        person was asked for more instead.
        """
        with bound_contextvars(user=user_of(who)):
            await self.report_failure(partial(self._answer, pending, live, who, accepted), live, who)

    async def _answer(
        self, pending: Awaitable[Request | None], live: LiveMessage, who: User | Chat, accepted: Callable[[], None]
    ) -> None:
        try:
            request = await pending
        except AtelierError as error:
            log.info("refused", kind=error.kind, why=str(error))
            await live.show(card_of(Failed.of(error), language_of_sender(who), ()))
            return
        if request is not None:
            ref = MessageRef.parse(request.origin)
            active = ActiveLiveMessage(live, self._bot, ref, request.command, self._start)
            await serve(self._service, request, active, self.resume, accepted)

    async def report_failure(self, work: Callable[[], Awaitable[None]], live: LiveMessage, who: User | Chat) -> None:
        """Await `work`. If it fails unexpectedly, tell the person in `live`, and raise. What Telegram refused or may
        have delivered is not followed by another message.
        """
        try:
            await work()
        except Exception as error:
            if not is_telegram_error(error):
                await live.show(Card(translate(FAILURE, language_of_sender(who)), final=True, failed=True))
            raise
