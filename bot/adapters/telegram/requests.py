"""Turn Telegram messages and button clicks into requests."""

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog
from telegram import CallbackQuery, Chat, MaybeInaccessibleMessage, Message, User
from telegram.constants import FileSizeLimit
from telegram.error import TelegramError

from bot.adapters.telegram.markup import MARKUP
from bot.adapters.telegram.message import Bot
from bot.adapters.telegram.message_ref import MessageRef, is_private
from bot.app import AppContext
from bot.core.command import Attachment, ButtonAction, Command, Request
from bot.core.command_line import parse, split_command
from bot.i18n.translate import Language, language_of
from bot.presentation.buttons import action_of, parse_button, parse_target
from bot.requests.results import is_stored
from engine.core.errors import BadInput, TooLarge
from engine.core.params import assign_files
from engine.media.files import FORMATS, suffix_of

log = structlog.get_logger()

START_COMMAND = "start"
"""The command that Telegram sends when a person opens the chat for the first time."""


@dataclass(frozen=True)
class TypedCommand:
    """A command that somebody typed in a message or in a file's caption. `rest` is what follows the command's name."""

    message: Message
    command: str
    rest: str

    @classmethod
    def of(cls, message: Message, studio: AppContext, username: str) -> "TypedCommand | None":
        """Return the command, or None where the message is not for this bot. In a private chat, text without a command
        means /help.
        """
        private = is_private(message)
        parts = split_command(message.text or message.caption or "")
        if parts is None:
            return cls(message, "help", "") if private and message.text else None
        command, addressed, rest = parts
        if addressed and addressed.lower() != username.lower():
            return None
        if command == START_COMMAND:
            return cls(message, "help", "")
        is_for_us = private or addressed or studio.command(command) is not None
        return cls(message, command, rest) if is_for_us else None


@dataclass(frozen=True)
class RequestFactory:
    """Creates requests from messages and button clicks."""

    bot: Bot
    studio: AppContext

    async def from_command(self, typed: TypedCommand) -> Request:
        """Return the request of a typed command. Raises BadInput for text or files that no option accepts, TooLarge for
        a file that Telegram does not give to bots.
        """
        command = self.studio.command(typed.command)
        raw = parse(command.params, typed.rest) if command else {}
        files = await self._files(command, typed.message) if command else {}
        return self._request(typed.message, sender_of(typed.message), typed.command, raw, files)

    async def from_edited_text(self, message: Message, button: str) -> Request:
        """Return the request of a button whose text the person has edited and sent back."""
        asked = parse_button(button, self.studio.commands, message.text or "")
        return self._request(message, sender_of(message), asked.command, asked.raw_options, asked.files)

    async def from_button(self, query: CallbackQuery, message: MaybeInaccessibleMessage, button: str) -> Request:
        """Return the request of a click on `button`. Files that are no longer stored are replaced by the message's own.

        Raises TooLarge where Telegram does not give that file to bots, BadInput where it cannot be fetched.
        """
        asked, ref = parse_button(button, self.studio.commands), MessageRef.of(message)
        request = self._request(message, query.from_user, asked.command, asked.raw_options, asked.files)
        request = replace(request, id=f"telegram:press/{query.id}", new_message_origin=str(ref))
        if action_of(button, self.studio.commands) is ButtonAction.REPLACE:
            request = replace(request, origin=str(replace(ref, live=message.message_id)))
        attached = file_of(message) if isinstance(message, Message) else None
        if attached is None:
            return request
        files = {
            option: await self._prefer_stored_file(request, option, file, attached)
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
            language=language_of_sender(who),
            admin=who.id in self.studio.settings.telegram.admins,
            manages=partial(_is_group_admin, self.bot, message, who),
            private=is_private(message),
            scope="" if is_private(message) else f"telegram:{message.chat.id}",
            id=f"telegram:{message.chat.id}/{message.message_id}",
            markup=MARKUP,
            user_name=who.full_name if isinstance(who, User) else who.title or "",
        )

    async def _files(self, command: Command, message: Message) -> dict[str, Attachment]:
        """Return the message's file and the one it replies to, by the options that accept them."""
        options = [option.name for option in command.params.options() if option.kind == "media"]
        sent, replied_to = file_of(message), file_of(message.reply_to_message)
        if sent is not None and not options:
            raise BadInput("/{command} doesn't use files. Send it without one.", command=command.name)
        files = [file for file in (sent, replied_to) if file is not None]
        indices = assign_files(command.params, [_guess_filename(file) for file in files])
        return {option: await self._fetch_attachment(option, files[index]) for option, index in indices.items()}

    async def _prefer_stored_file(self, request: Request, option: str, file: Attachment, attached: Any) -> Attachment:
        """Return the file as it is where the message does not hold it or it is still stored. Else return the message's
        attachment, which is the first file of a result.
        """
        if parse_target(file.result)[1] > 1 or await is_stored(self.studio, request, file.result):
            return file
        return replace(await self._fetch_attachment(option, attached), result=file.result)

    async def _fetch_attachment(self, option: str, file: Any) -> Attachment:
        try:
            stored = await self.bot.get_file(file.file_id)
        except TelegramError as error:
            raise _refusal(option, error) from None
        location = stored.file_path or ""
        name = getattr(file, "file_name", None) or Path(urlsplit(location).path).name
        local = None if location.startswith(("http://", "https://")) else Path(location)
        return Attachment(name, stored.file_size, url=None if local else location, path=local)


def _guess_filename(file: Any) -> str:
    """Return the file's own name, or one whose suffix fits its MIME type. Photos have neither and are JPEG."""
    name, mime = getattr(file, "file_name", None), getattr(file, "mime_type", None) or "image/jpeg"
    suffix = suffix_of(mime) if mime in FORMATS.values() else (mimetypes.guess_extension(mime) or "").removeprefix(".")
    return name or f"file.{suffix}"


def sender_of(message: Message) -> User | Chat:
    """Return who sent the message. An anonymous admin sends as the group."""
    who = message.sender_chat or message.from_user
    assert who is not None, "only channel posts have no sender, and UPDATE_TYPES excludes them"
    return who


def user_of(who: User | Chat) -> str:
    """Return the sender as a request's user, such as "telegram:42"."""
    return f"telegram:{who.id}"


async def _is_group_admin(bot: Bot, message: MaybeInaccessibleMessage, who: User | Chat) -> bool:
    """Return whether the sender administers the message's group. An anonymous admin sends as the group itself.

    Telegram gives a group's admins to every bot, but single members only to bots that are admins:
    https://core.telegram.org/bots/api#getchatadministrators.
    """
    if is_private(message) or who.id == message.chat.id:
        return not is_private(message)
    try:
        admins = await bot.get_chat_administrators(message.chat.id)
    except TelegramError as error:
        log.warning("cannot ask for the group's admins", chat=message.chat.id, why=error.message)
        return False
    return any(admin.user.id == who.id for admin in admins)


def language_of_sender(who: User | Chat) -> Language:
    """Return the language of the person's app, or English for a group."""
    return language_of(who.language_code if isinstance(who, User) else None)


def file_of(message: Message | None) -> Any:
    """Return the file of a message (for a photo its largest size), or None if there is none."""
    attachment: Any = message.effective_attachment if message else None
    if isinstance(attachment, list | tuple):
        attachment = attachment[-1] if attachment else None
    return attachment if hasattr(attachment, "file_id") else None


def _refusal(option: str, error: TelegramError) -> TooLarge | BadInput:
    """Return the error for a file that Telegram did not deliver."""
    if "too big" in error.message:
        return TooLarge(
            "{option} is too large. Telegram only lets bots receive files up to {bound:bytes}. Send a smaller one.",
            option=option,
            bound=FileSizeLimit.FILESIZE_DOWNLOAD,
        )
    return BadInput("Couldn't get {option} from Telegram. Send it again.", option=option)
