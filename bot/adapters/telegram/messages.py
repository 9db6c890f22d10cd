"""Serve the messages that people send: run what they ask for, or ask for what is lacking."""

from collections.abc import Callable, Sequence

from telegram import Chat, Message, User

from bot.adapters.telegram.answering import Answering
from bot.adapters.telegram.force_reply import send_question
from bot.adapters.telegram.intents import (
    DRAW,
    EditedText,
    FilesAlone,
    Greeting,
    IntentReader,
    Pending,
    PlainWords,
    TypedCommand,
)
from bot.adapters.telegram.lacking import find_lacking, question_for
from bot.adapters.telegram.message import Bot
from bot.adapters.telegram.requests import RequestFactory, language_of_sender, sender_of, user_of
from bot.adapters.telegram.suggestions import ask_what_to_do, ask_whether_to_draw
from bot.adapters.telegram.welcome import greet
from bot.core.command import Request
from bot.core.command_line import split_command
from bot.requests.service import Service


class MessageServer:
    """Serves messages."""

    def __init__(self, service: Service, bot: Bot, answering: Answering, requests: RequestFactory) -> None:
        self._service, self._bot = service, bot
        self._answering, self._requests = answering, requests
        self._reader = IntentReader(bot, service.studio)

    async def serve(self, messages: Sequence[Message], accepted: Callable[[], None]) -> None:
        """Serve one message, or the messages of an album."""
        match self._reader.read(messages):
            case EditedText(message, button):
                who = sender_of(message)
                request = self._requests.from_edited_text(message, button)
                await self._answering.serve(request, self._answering.live(message, who), who, accepted)
            case TypedCommand() as typed:
                await self._serve_command(typed, accepted)
            case PlainWords(message, words):
                await self._serve_words(message, words, accepted)
            case FilesAlone(message, files):
                who, studio = sender_of(message), self._service.studio
                sent = await ask_what_to_do(message, who, files, studio, language_of_sender(who))
                await self._answering.expiring.expire_question(sent)
            case Greeting(message):
                await greet(message, sender_of(message))

    async def serve_edited(self, message: Message, accepted: Callable[[], None]) -> None:
        """Run a command that somebody has edited. Other edited messages ask for nothing."""
        typed = self._reader.read((message,))
        if isinstance(typed, TypedCommand) and split_command(message.text or message.caption or ""):
            await self._serve_command(typed, accepted)

    async def _serve_command(self, typed: TypedCommand, accepted: Callable[[], None]) -> None:
        who = sender_of(typed.message)
        live = self._answering.live(typed.message, who)
        await self._answering.serve(self.complete(typed, who), live, who, accepted)

    async def _serve_words(self, message: Message, words: str, accepted: Callable[[], None]) -> None:
        """Draw the words, or ask first if this person has drawn no plain words before."""
        who = sender_of(message)
        if await self._service.studio.store.get_note(_draws_key(who)) is None:
            await ask_whether_to_draw(message, who, words, language_of_sender(who))
        else:
            await self._serve_command(TypedCommand(message, DRAW, words), accepted)

    async def remember_drawing(self, who: User) -> None:
        """Remember that this person's plain words are to be drawn."""
        await self._service.studio.store.set_note(_draws_key(who), "on")

    async def complete(self, typed: TypedCommand, who: User | Chat) -> Request | None:
        """Return the request of a command. If it lacks something, ask the person for that and return None.

        Raises AtelierError for a command that would be refused.
        """
        parsed = self._requests.parse(typed, who)
        if parsed.command is None:
            return parsed.asked
        lacking = find_lacking(parsed.command, parsed.asked.raw_options, parsed.files)
        if lacking is None:
            return await self._requests.with_files(parsed)
        await self._service.check(parsed.asked)
        parsed.command.params.check_words(parsed.asked.raw_options, parsed.files.keys(), complete=False)
        text, placeholder = question_for(parsed.command, lacking, language_of_sender(who))
        pending = Pending(typed.command, typed.rest, typed.files, who.id)
        sent = await send_question(typed.message, who, text, pending.values(), placeholder=placeholder)
        if sent is None:
            return await self._requests.with_files(parsed)
        await self._answering.expiring.expire_question(sent)
        return None


def _draws_key(who: User | Chat) -> str:
    """Return the name of the note that this person's plain words are to be drawn."""
    return f"telegram draws {user_of(who)}"
