"""Turn Telegram messages and button clicks into requests."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from telegram import CallbackQuery, Chat, MaybeInaccessibleMessage, Message, User
from telegram.constants import FileSizeLimit
from telegram.error import TelegramError

from bot.adapters.telegram.intents import TypedCommand
from bot.adapters.telegram.lacking import assign
from bot.adapters.telegram.markup import MARKUP
from bot.adapters.telegram.message import Bot
from bot.adapters.telegram.message_ref import MessageRef, is_private
from bot.adapters.telegram.sent_files import SentFile
from bot.app import AppContext
from bot.core.command import Attachment, ButtonAction, Command, Request
from bot.core.command_line import parse
from bot.i18n.translate import Language, language_of
from bot.presentation.buttons import action_of, parse_button, parse_target
from bot.requests.results import is_stored
from engine.core.errors import BadInput, TooLarge

log = structlog.get_logger()


@dataclass(frozen=True)
class ParsedCommand:
    """A typed command with its options and the files by the options that take them. Nothing is downloaded yet.

    `command` is None where no command has this name. `asked` is the request without its files.
    """

    command: Command | None
    asked: Request
    files: Mapping[str, SentFile]


@dataclass(frozen=True)
class RequestFactory:
    """Creates requests from messages and button clicks."""

    bot: Bot
    studio: AppContext

    def parse(self, typed: TypedCommand, who: User | Chat) -> ParsedCommand:
        """Return the options and files of a typed command. Raises BadInput for text or files that no option accepts."""
        command = self.studio.command(typed.command)
        raw = parse(command.params, typed.rest) if command else {}
        files = assign(command, typed.files) if command else {}
        return ParsedCommand(command, self._request(typed.message, who, typed.command, raw, {}), files)

    async def with_files(self, parsed: ParsedCommand) -> Request:
        """Return the request with its files. Raises TooLarge for a file that Telegram does not give to bots, BadInput
        for one that cannot be fetched.
        """
        files = {option: await self._fetch_attachment(option, file) for option, file in parsed.files.items()}
        return replace(parsed.asked, files=files)

    async def from_edited_text(self, message: Message, button: str) -> Request:
        """Return the request of a button whose text the person has edited and sent back."""
        asked = parse_button(button, self.studio.commands, message.text or "")
        return self._request(message, sender_of(message), asked.command, asked.raw_options, asked.files)

    async def from_button(self, query: CallbackQuery, message: MaybeInaccessibleMessage, button: str) -> Request:
        """Return the request of a click on `button`. Files that are no longer stored are replaced by the message's own.

        Raises TooLarge where Telegram does not give that file to bots, BadInput where it cannot be fetched.
        """
        asked = parse_button(button, self.studio.commands)
        request = self._request(message, query.from_user, asked.command, asked.raw_options, asked.files)
        replaces = action_of(button, self.studio.commands) is ButtonAction.REPLACE
        request = self.of_click(request, query, message, replaces=replaces)
        attached = SentFile.of(message) if isinstance(message, Message) else None
        if attached is None:
            return request
        files = {
            option: await self._prefer_stored_file(request, option, file, attached)
            for option, file in asked.files.items()
        }
        return replace(request, files=files)

    def of_click(
        self, request: Request, query: CallbackQuery, message: MaybeInaccessibleMessage, *, replaces: bool
    ) -> Request:
        """Return the request as one of a click, whose answer is a new message or replaces the clicked one."""
        ref = MessageRef.of(message)
        request = replace(request, id=f"telegram:press/{query.id}", new_message_origin=str(ref))
        return replace(request, origin=str(replace(ref, live=message.message_id))) if replaces else request

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
            scope=scope_of(message),
            id=_id_of(message),
            markup=MARKUP,
            user_name=who.full_name if isinstance(who, User) else who.title or "",
        )

    async def _prefer_stored_file(
        self, request: Request, option: str, file: Attachment, attached: SentFile
    ) -> Attachment:
        """Return the file as it is where the message does not hold it or it is still stored. Else return the message's
        attachment, which is the first file of a result.
        """
        if parse_target(file.result)[1] > 1 or await is_stored(self.studio, request, file.result):
            return file
        return replace(await self._fetch_attachment(option, attached), result=file.result)

    async def _fetch_attachment(self, option: str, file: SentFile) -> Attachment:
        try:
            stored = await self.bot.get_file(file.id)
        except TelegramError as error:
            raise _refusal(option, error) from None
        location = stored.file_path or ""
        name = file.name if file.is_named else Path(urlsplit(location).path).name
        local = None if location.startswith(("http://", "https://")) else Path(location)
        return Attachment(name, stored.file_size, url=None if local else location, path=local)


def sender_of(message: Message) -> User | Chat:
    """Return who sent the message. An anonymous admin sends as the group."""
    who = message.sender_chat or message.from_user
    assert who is not None, "only channel posts have no sender, and UPDATE_TYPES excludes them"
    return who


def _id_of(message: MaybeInaccessibleMessage) -> str:
    """Return the id of a message's request. An edited message makes a new request."""
    edited = message.edit_date if isinstance(message, Message) else None
    version = f"/{edited.timestamp():.0f}" if edited else ""
    return f"telegram:{message.chat.id}/{message.message_id}{version}"


def scope_of(message: MaybeInaccessibleMessage) -> str:
    """Return the group as a request's scope, or an empty string in a private chat."""
    return "" if is_private(message) else f"telegram:{message.chat.id}"


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


def _refusal(option: str, error: TelegramError) -> TooLarge | BadInput:
    """Return the error for a file that Telegram did not deliver."""
    if "too big" in error.message:
        return TooLarge(
            "{option} is too large. Telegram only lets bots receive files up to {bound:bytes}. Send a smaller one.",
            option=option,
            bound=FileSizeLimit.FILESIZE_DOWNLOAD,
        )
    return BadInput("Couldn't get {option} from Telegram. Send it again.", option=option)
