"""Serve clicks on buttons: open a text, replace the button's message, delete it, or answer in a new message."""

from collections.abc import Callable
from functools import partial

import structlog
from telegram import CallbackQuery, MaybeInaccessibleMessage, Message

from bot.adapters.base import LiveMessage
from bot.adapters.telegram.answering import Answering
from bot.adapters.telegram.callbacks import CallbackLiveMessage, DeletingLiveMessage
from bot.adapters.telegram.clicked import is_from_own_message, is_on_dead_card, is_shown_elsewhere, message_to_delete
from bot.adapters.telegram.edit import open_edit
from bot.adapters.telegram.hidden import carried_by
from bot.adapters.telegram.intents import DRAW, Pending, TypedCommand
from bot.adapters.telegram.message import Bot
from bot.adapters.telegram.messages import MessageServer
from bot.adapters.telegram.requests import RequestFactory, language_of_sender
from bot.adapters.telegram.suggestions import DRAW_WORDS, RUN
from bot.adapters.telegram.welcome import DRAW_EXAMPLE, EXAMPLE_WORDS
from bot.core.command import Button, ButtonAction, Request
from bot.i18n.translate import translate
from bot.presentation.buttons import action_of, label_of
from bot.requests.service import Service

log = structlog.get_logger()

SHOWN_ELSEWHERE = "This job has ended. Its answer is in another message."
BUTTON_GONE = "This button no longer belongs to that message."
WORDS_GONE = "The message with your words is gone. Send it again."
NOT_ASKED = "Only the person who asked can answer this."


class ClickServer:
    """Serves clicks."""

    def __init__(
        self,
        service: Service,
        bot: Bot,
        answering: Answering,
        requests: RequestFactory,
        messages: MessageServer,
    ) -> None:
        self._studio, self._bot = service.studio, bot
        self._answering, self._requests, self._messages = answering, requests, messages

    async def serve(self, query: CallbackQuery, accepted: Callable[[], None]) -> None:
        """Serve a click. One that could replace or delete a message is refused where the button is not under it."""
        if query.message is None:
            return
        name = (query.data or "").partition(":")[0]
        if name in (RUN, DRAW_WORDS, DRAW_EXAMPLE):
            await self._serve_suggestion(query, query.message, name, accepted)
        elif self._action(query) in (ButtonAction.DELETE, ButtonAction.REPLACE) and not await is_from_own_message(
            query, self._studio
        ):
            log.warning("refused a button that is not under its message", button=query.data, user=query.from_user.id)
            await _pop_up(query, BUTTON_GONE)
        elif await is_on_dead_card(query, self._studio):
            await self._revive_card(query, query.message, accepted)
        else:
            await self._serve_declared(query, query.message, accepted)

    def _action(self, query: CallbackQuery) -> ButtonAction:
        return action_of(query.data or "", self._studio.commands)

    async def _serve_declared(
        self, query: CallbackQuery, message: MaybeInaccessibleMessage, accepted: Callable[[], None]
    ) -> None:
        """Serve a click on a button of a declared command."""
        request, who = self._requests.from_button(query, message, query.data or ""), query.from_user
        action = self._action(query)
        if action is ButtonAction.EDIT:
            opening = partial(open_edit, query, request, self._studio)
            live = CallbackLiveMessage(query, self._answering.live(message, who))
            await self._answering.report_failure(opening, live, who)
        elif action is ButtonAction.REPLACE:
            await self._answering.serve(request, self._answering.replacing(query, message), who, accepted)
        else:
            await self._answering.serve(request, await self._callback_message(query, message), who, accepted)

    async def _revive_card(
        self, query: CallbackQuery, message: MaybeInaccessibleMessage, accepted: Callable[[], None]
    ) -> None:
        """Show the outcome of the card's job. If that is shown elsewhere in the chat, delete the card."""
        job = (query.data or "").partition(":")[2]
        if await is_shown_elsewhere(message, job, self._studio):
            await _pop_up(query, SHOWN_ELSEWHERE)
            await query.delete_message()
            return
        request = self._requests.from_button(query, message, f"show:{job}")
        await self._answering.serve(request, self._answering.replacing(query, message), query.from_user, accepted)

    async def _callback_message(self, query: CallbackQuery, message: MaybeInaccessibleMessage) -> CallbackLiveMessage:
        """Return where the answer to a click is shown: a pop-up or a new message, or in place of what it deletes."""
        live, to_delete = self._answering.live(message, query.from_user), await message_to_delete(query, self._studio)
        if to_delete is None:
            return CallbackLiveMessage(query, live)
        language, (command, _, argument) = language_of_sender(query.from_user), (query.data or "").partition(":")
        label = label_of(query.data or "", self._studio.commands, language)
        button = Button(label, command, argument) if label else None
        return DeletingLiveMessage(query, live, to_delete, button, language)

    async def _serve_suggestion(
        self, query: CallbackQuery, message: MaybeInaccessibleMessage, name: str, accepted: Callable[[], None]
    ) -> None:
        """Run what a question or the greeting suggests. What a question led to replaces the question."""
        pending = Pending.of(carried_by(message, self._bot.id))
        if not isinstance(message, Message):
            return await _pop_up(query, BUTTON_GONE)
        if pending is not None and pending.user != query.from_user.id:
            return await _pop_up(query, NOT_ASKED)
        typed = _find_suggestion(query, message, name, pending)
        if typed is None:
            return await _pop_up(query, WORDS_GONE)
        if name == DRAW_WORDS:
            await self._messages.remember_drawing(query.from_user)
        replaces = pending is not None and typed.command != "help"
        live: LiveMessage = (
            self._answering.replacing(query, message)
            if replaces
            else CallbackLiveMessage(query, self._answering.live(message, query.from_user))
        )
        request = self._complete(query, typed, replaces=replaces)
        return await self._answering.serve(request, live, query.from_user, accepted)

    async def _complete(self, query: CallbackQuery, typed: TypedCommand, *, replaces: bool) -> Request | None:
        """Return the request of the click, or ask for what it lacks, answer the query and return None."""
        request = await self._messages.complete(typed, query.from_user)
        if request is None:
            await query.answer()
            return None
        if replaces:
            await self._answering.expiring.keep(typed.message.chat.id, typed.message.message_id)
        return self._requests.of_click(request, query, typed.message, replaces=replaces)


def _find_suggestion(query: CallbackQuery, message: Message, name: str, pending: Pending | None) -> TypedCommand | None:
    """Return the command that a button suggests, or None if the words that it would draw are gone."""
    if name == DRAW_EXAMPLE:
        return TypedCommand(message, DRAW, EXAMPLE_WORDS)
    if name == RUN:
        return TypedCommand(message, (query.data or "").partition(":")[2], "", pending.files if pending else ())
    asked = message.reply_to_message
    return TypedCommand(message, DRAW, asked.text) if asked is not None and asked.text else None


async def _pop_up(query: CallbackQuery, sentence: str) -> None:
    await query.answer(translate(sentence, language_of_sender(query.from_user)), show_alert=True)
