"""What people send on Telegram, as requests."""

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from telegram import CallbackQuery, Chat, MaybeInaccessibleMessage, Message, User
from telegram.constants import FileSizeLimit
from telegram.error import TelegramError

from bot.adapters.telegram.message import Bot
from bot.adapters.telegram.message_ref import MessageRef, is_private
from bot.app import AppContext
from bot.core.command import Attachment, Command, Request
from bot.core.command_line import parse, split_command
from bot.i18n.translate import Language, language_of
from bot.presentation.buttons import parse_button, parse_target, replaces_message
from bot.requests.results import is_stored
from engine.core.errors import BadInput, TooLarge
from engine.core.params import assign_files
from engine.media.files import FORMATS, suffix_of

WELCOME = "start"
"""What Telegram sends when a person opens the chat for the first time."""


@dataclass(frozen=True)
class TypedCommand:
    """A command as somebody wrote it, in a message or under a file."""

    message: Message
    command: str
    rest: str

    @classmethod
    def of(cls, message: Message, studio: AppContext, username: str) -> "TypedCommand | None":
        """None where the message asks nothing of this bot. In a private chat every text does, be it for help."""
        private = is_private(message)
        found = split_command(message.text or message.caption or "")
        if found is None:
            return cls(message, "help", "") if private and message.text else None
        command, addressed, rest = found
        if addressed and addressed.lower() != username.lower():
            return None
        if command == WELCOME:
            return cls(message, "help", "")
        meant = private or addressed or studio.command(command) is not None
        return cls(message, command, rest) if meant else None


@dataclass(frozen=True)
class RequestFactory:
    """Makes requests of messages and of presses."""

    bot: Bot
    studio: AppContext

    async def from_command(self, words: TypedCommand) -> Request:
        """Raises BadInput for words or a file that no option takes, TooLarge for a file that Telegram keeps back."""
        command = self.studio.command(words.command)
        raw = parse(command.params, words.rest) if command else {}
        files = await self._files(command, words.message) if command else {}
        return self._request(words.message, sender_of(words.message), words.command, raw, files)

    async def from_edited_text(self, message: Message, button: str) -> Request:
        """What a person made of the text that a button opened."""
        asked = parse_button(button, self.studio.commands, message.text or "")
        return self._request(message, sender_of(message), asked.command, asked.raw_options, asked.files)

    async def from_button(self, query: CallbackQuery, message: MaybeInaccessibleMessage) -> Request:
        """A file that is kept no more is the one in the message. Raises TooLarge where Telegram keeps that back."""
        asked, place = parse_button(query.data or "", self.studio.commands), MessageRef.of(message)
        request = self._request(message, query.from_user, asked.command, asked.raw_options, asked.files)
        request = replace(request, id=f"telegram:press/{query.id}", new_message_origin=str(place))
        if replaces_message(query.data or "", self.studio.commands):
            request = replace(request, origin=str(replace(place, live=message.message_id)))
        carried = file_of(message) if isinstance(message, Message) else None
        if carried is None:
            return request
        files = {
            option: await self._prefer_stored_file(request, option, file, carried)
            for option, file in asked.files.items()
        }
        return replace(request, files=files)

    def _request(
        self,
        message: MaybeInaccessibleMessage,
        who: User | Chat,
        command: str,
        raw: Mapping[str, str],
        files: Mapping[str, Attachment],
    ) -> Request:
        return Request(
            command=command,
            raw_options=raw,
            user=user_of(who),
            origin=str(MessageRef.of(message)),
            files=files,
            language=language(who),
            admin=who.id in self.studio.settings.telegram.admins,
            private=is_private(message),
            scope="" if is_private(message) else f"telegram:{message.chat.id}",
            id=f"telegram:{message.chat.id}/{message.message_id}",
        )

    async def _files(self, command: Command, message: Message) -> dict[str, Attachment]:
        """The sent file and the replied-to one, for the options that accept their kinds."""
        options = [option.name for option in command.params.options() if option.kind == "media"]
        sent, answered = file_of(message), file_of(message.reply_to_message)
        if sent is not None and not options:
            raise BadInput("/{command} takes no file. Send it without one.", command=command.name)
        found = [file for file in (sent, answered) if file is not None]
        places = assign_files(command.params, [_guess_filename(file) for file in found])
        return {option: await self._fetch_attachment(option, found[place]) for option, place in places.items()}

    async def _prefer_stored_file(self, request: Request, option: str, file: Attachment, carried: Any) -> Attachment:
        """The message carries the first file of a result; the others stand beside it."""
        if parse_target(file.result)[1] > 1 or await is_stored(self.studio, request, file.result):
            return file
        return replace(await self._fetch_attachment(option, carried), result=file.result)

    async def _fetch_attachment(self, option: str, file: Any) -> Attachment:
        try:
            kept = await self.bot.get_file(file.file_id)
        except TelegramError as error:
            raise _refusal(option, error) from None
        where = kept.file_path or ""
        name = getattr(file, "file_name", None) or Path(urlsplit(where).path).name
        local = None if where.startswith(("http://", "https://")) else Path(where)
        return Attachment(name, kept.file_size, url=None if local else where, path=local)


def _guess_filename(file: Any) -> str:
    """A name that tells the file's kind: its own, or one of its type; photos have neither."""
    name, mime = getattr(file, "file_name", None), getattr(file, "mime_type", None) or "image/jpeg"
    suffix = suffix_of(mime) if mime in FORMATS.values() else (mimetypes.guess_extension(mime) or "").removeprefix(".")
    return name or f"file.{suffix}"


def sender_of(message: Message) -> User | Chat:
    """Who wrote it. An anonymous admin of a group speaks as the group."""
    who = message.sender_chat or message.from_user
    assert who is not None, "only posts in channels have no sender, and those are not asked for"
    return who


def user_of(who: User | Chat) -> str:
    return f"telegram:{who.id}"


def language(who: User | Chat) -> Language:
    return language_of(who.language_code if isinstance(who, User) else None)


def file_of(message: Message | None) -> Any:
    """The file in a message, of a photo its largest size; None where it has none."""
    found: Any = message.effective_attachment if message else None
    if isinstance(found, list | tuple):
        found = found[-1] if found else None
    return found if hasattr(found, "file_id") else None


def _refusal(option: str, error: TelegramError) -> TooLarge | BadInput:
    if "too big" in error.message:
        bound = f"{FileSizeLimit.FILESIZE_DOWNLOAD / 1e6:.0f}"
        return TooLarge(
            "{option} is too large: Telegram hands files of at most {bound} MB to a bot. Send a smaller one.",
            option=option,
            bound=bound,
        )
    return BadInput("{option} could not be fetched from Telegram. Send it again.", option=option)
