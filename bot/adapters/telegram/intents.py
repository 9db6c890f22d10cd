"""What a Telegram message asks for: a command, words to draw, or files without words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from telegram import Message

from bot.adapters.telegram.edit import button_of
from bot.adapters.telegram.hidden import carried_by
from bot.adapters.telegram.message import Bot
from bot.adapters.telegram.message_ref import is_private
from bot.adapters.telegram.sent_files import SentFile
from bot.app import AppContext
from bot.core.command_line import split_command
from engine.media.files import kinds_of_name

START_COMMAND = "start"
"""The command that Telegram sends when a person opens the chat for the first time."""
DRAW = "imagine"
"""The command that words without a command stand for."""
_DRAW_WORD = re.compile(r"(?:draw|dibuja)(?:\s+|$)", re.IGNORECASE)
"""The word before a description in a message that mentions the bot."""


@dataclass(frozen=True)
class TypedCommand:
    """A command that somebody typed, with the words after its name and the files that belong to it."""

    message: Message
    command: str
    rest: str
    files: tuple[SentFile, ...] = ()


@dataclass(frozen=True)
class EditedText:
    """The text that a button asked for."""

    message: Message
    button: str


@dataclass(frozen=True)
class PlainWords:
    """Words in a private chat that are no command."""

    message: Message
    words: str


@dataclass(frozen=True)
class FilesAlone:
    """Files without words, or with words that say too little."""

    message: Message
    files: tuple[SentFile, ...]


@dataclass(frozen=True)
class Greeting:
    """The first message of a conversation, or a mention of the bot without words."""

    message: Message


Intent = TypedCommand | EditedText | PlainWords | FilesAlone | Greeting


@dataclass(frozen=True)
class Pending:
    """A command that waits for something it lacks, as the bot's question carries it. Only `user` can answer."""

    command: str
    words: str
    files: tuple[SentFile, ...]
    user: int

    @classmethod
    def of(cls, values: dict[str, str]) -> Self | None:
        """Return what a message carries, or None if that is no pending command."""
        if "user" not in values:
            return None
        count = sum(name.startswith("file") for name in values)
        files = (values[f"file{number}"].partition("~") for number in range(count))
        sent = tuple(SentFile(identifier, name) for identifier, _, name in files)
        return cls(values.get("command", ""), values.get("words", ""), sent, int(values["user"]))

    def values(self) -> dict[str, str]:
        """Return the values for a message to carry. A file's name is reduced to its suffix."""
        names = (f"file.{file.name.rpartition('.')[2][:8]}" for file in self.files)
        files = {
            f"file{number}": f"{file.id}~{name}"
            for number, (file, name) in enumerate(zip(self.files, names, strict=True))
        }
        return {"user": str(self.user), "command": self.command, "words": self.words, **files}


class IntentReader:
    """Reads what messages ask for. Messages in groups that are not for the bot ask for nothing."""

    def __init__(self, bot: Bot, studio: AppContext) -> None:
        self._bot, self._studio = bot, studio

    def read(self, messages: Sequence[Message]) -> Intent | None:
        """Return what a message or an album asks for, or None if it is not for this bot."""
        message = next((each for each in messages if each.caption), messages[0])
        files = tuple(file for file in map(SentFile.of, messages) if file is not None)
        text = (message.text or message.caption or "").strip()
        if split_command(text):
            return self._read_command(message, text, files)
        return self._read_answer(message, text, files) or self._read_words(message, text, files)

    def _read_command(self, message: Message, text: str, files: tuple[SentFile, ...]) -> Intent | None:
        parts = split_command(text)
        assert parts is not None, "the caller has checked it"
        command, addressed, rest = parts
        private = is_private(message)
        if addressed and addressed.lower() != self._bot.username.lower():
            return None
        if command == START_COMMAND:
            return Greeting(message)
        known = self._studio.command(command) is not None
        if not (private or addressed or known):
            return None
        return TypedCommand(message, command, rest, _with_replied(files, message))

    def _read_answer(self, message: Message, text: str, files: tuple[SentFile, ...]) -> Intent | None:
        """Return the answer to a question of the bot: an edited text, or what a command lacked."""
        button = button_of(message, self._bot.id, self._studio.commands)
        if button is not None:
            return EditedText(message, button)
        pending = Pending.of(carried_by(message.reply_to_message, self._bot.id))
        sender = message.sender_chat or message.from_user
        if pending is None or not pending.command or sender is None or sender.id != pending.user:
            return None
        words = f"{pending.words} {text}".strip()
        return TypedCommand(message, pending.command, words, (*pending.files, *files))

    def _read_words(self, message: Message, text: str, files: tuple[SentFile, ...]) -> Intent | None:
        """Return what words without a command ask for, if they are for the bot."""
        mentioned, words = self._without_mention(text)
        answered = message.reply_to_message
        on_result = answered is not None and answered.from_user is not None and answered.from_user.id == self._bot.id
        private = is_private(message)
        if not (private or mentioned or (on_result and SentFile.of(answered))):
            return None
        files = _with_replied(files, message)
        if (typed := self._read_name(message, words, files)) is not None:
            return typed
        if mentioned:
            words = _DRAW_WORD.sub("", words, count=1) if _DRAW_WORD.match(words) else words
        if files:
            return _read_instruction(message, words, files)
        if not words:
            return Greeting(message) if mentioned else None
        return PlainWords(message, words) if private and not mentioned else TypedCommand(message, DRAW, words)

    def _without_mention(self, text: str) -> tuple[bool, str]:
        """Return whether the text begins with the bot's name, and the words after that."""
        name, _, rest = text.partition(" ")
        if name.rstrip(",:").lower() != f"@{self._bot.username}".lower():
            return False, text
        return True, rest.strip()

    def _read_name(self, message: Message, words: str, files: tuple[SentFile, ...]) -> TypedCommand | None:
        """Return the command that words without a slash name: they are its name alone, or it takes a file and there is
        one.
        """
        name, _, rest = words.partition(" ")
        command = self._studio.command(name.lower())
        if command is None or command.hidden or command.admin:
            return None
        needs_file = command.source is not None and command.source.required
        fits = not rest or (needs_file and bool(files))
        return TypedCommand(message, command.name, rest.strip(), files) if fits else None


def _with_replied(files: tuple[SentFile, ...], message: Message) -> tuple[SentFile, ...]:
    """Return the files of a message, then the one that it replies to."""
    replied = SentFile.of(message.reply_to_message)
    return (*files, replied) if replied is not None else files


def _read_instruction(message: Message, words: str, files: tuple[SentFile, ...]) -> TypedCommand | FilesAlone:
    """Return the drawing that words ask for with one picture. Any other files are asked about."""
    one_picture = len(files) == 1 and kinds_of_name(files[0].name) == {"image"}
    return TypedCommand(message, DRAW, words, files) if words and one_picture else FilesAlone(message, files)
