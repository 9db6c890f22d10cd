"""The live message of a request on Discord: the deferred answer, edited while the job runs and then with its result."""

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any

import discord
import structlog

from bot.adapters.base import Limits, MessageGone, OnPosted
from bot.adapters.discord.content import TEXT_LENGTH, card_arguments, open_files, text_arguments
from bot.adapters.discord.origin import origin_of
from bot.adapters.discord.route import EXPIRED_TOKEN_CODES, RETRYABLE_ERRORS, Route, retry_until_sent
from bot.i18n.translate import Language, translate
from bot.presentation.card import Card
from engine.core.job import Media

log = structlog.get_logger()

EDIT_SECONDS = 1.5
"""Seconds between two edits. Discord allows five edits of one answer in five seconds."""

SKIP_SECONDS = 1.0
"""Seconds that a progress edit in flight has to end once the final card is there. It may be waiting to be repeated."""

FILE_COUNT = 10
"""Files in a message that Discord allows."""

DELETED_MESSAGE_CODES = (10003, 10008)
"""Unknown Channel, Unknown Message: somebody deleted it, so nothing is posted in its place."""

NO_FILES_ALLOWED = "I may not attach files here. Use /jobs to see the result."


class Unreachable(Exception):
    """The bot may not edit the message, although it may still be there."""


class DiscordLiveMessage:
    """Edits `message`: by the interaction's token in `route` while that is valid, then as a normal message.

    A result that Discord does not take there is sent in the other ways that `route` knows.
    """

    def __init__(self, message: discord.PartialMessage, language: Language, file_bytes: int, route: Route) -> None:
        self.limits = Limits(EDIT_SECONDS, TEXT_LENGTH, file_bytes, FILE_COUNT)
        self._message, self._language, self._route = message, language, route
        self.on_posted: OnPosted | None = None
        self._last_card = Card("")
        self._deleted = self._hides_progress = False
        self._progress: asyncio.Task[None] | None = None

    def skip_progress(self) -> None:
        """Give up a progress edit that discord.py repeats after a 5xx or a 429."""
        if self._progress is not None:
            asyncio.get_running_loop().call_later(SKIP_SECONDS, self._progress.cancel)

    async def show(self, card: Card) -> None:
        """Edit the message to show the card. A final card is retried until Discord accepts it. Raises MessageGone for a
        progress card whose message was deleted, HTTPException where Discord refuses a final card without its files.
        """
        if card == self._last_card or self._deleted or (self._hides_progress and not card.final):
            return
        try:
            await (self._finish(card) if card.final else self._show_progress(card))
            self._last_card = card
        except discord.NotFound as error:
            if error.code not in DELETED_MESSAGE_CODES:
                raise
            log.info("the answer was deleted", origin=self._origin)
            self._deleted = True
            if not card.final:
                raise MessageGone from error
        except Unreachable as error:
            log.warning("progress not shown", origin=self._origin, why=str(error))
            self._hides_progress = True
        except (*RETRYABLE_ERRORS, discord.HTTPException) as error:
            if card.final:
                raise
            log.warning("progress not shown", why=str(error))

    @property
    def _origin(self) -> str:
        return origin_of(self._message.channel.id, self._message.id)

    async def _show_progress(self, card: Card) -> None:
        """Edit the message until that is done, or until `skip_progress` ends it."""
        self._progress = asyncio.create_task(self._edit(card))
        try:
            await asyncio.wait((self._progress,))
            if not self._progress.cancelled():
                self._progress.result()
        finally:
            self._progress.cancel()

    async def _finish(self, card: Card) -> None:
        """Send the final card with the files that fit. If Discord refuses it, send it without files and say so."""
        fitting = tuple(media for media in card.media if media.bytes <= self.limits.file_bytes)[
            : self.limits.file_count
        ]
        oversized = (self._describe_oversized(media) for media in card.media if media.bytes > self.limits.file_bytes)
        sendable = replace(card, media=fitting, text="\n".join([card.text, *oversized]))
        try:
            await retry_until_sent(partial(self._edit, sendable))
        except Unreachable as error:
            log.info("not allowed to answer in the message", origin=self._origin, why=str(error))
            await self._send_elsewhere(sendable)
        except discord.NotFound:
            raise
        except discord.HTTPException as error:
            log.error("answer refused", why=str(error))  # noqa: TRY400  # Discord's message gives the reason
            note = translate("Discord refused the files. Ask for something smaller.", self._language)
            plain = replace(sendable, media=(), text=f"{sendable.text}\n{note}")
            await retry_until_sent(partial(self._edit, plain))

    async def _send_elsewhere(self, card: Card) -> None:
        """Send a final card that its message does not take: without its files, else as a new message."""
        if card.media and await self._is_text_accepted(card):
            return
        origin = await self._route.send_new_message(self._message.id, partial(card_arguments, card))
        if origin is not None and self.on_posted is not None:
            await self.on_posted(origin)

    async def _is_text_accepted(self, card: Card) -> bool:
        """Show the card without its files, and return whether Discord accepts that."""
        note = translate(NO_FILES_ALLOWED, self._language)
        try:
            await retry_until_sent(partial(self._edit, replace(card, media=(), text=f"{card.text}\n{note}")))
        except (Unreachable, discord.HTTPException):
            return False
        return True

    def _describe_oversized(self, media: Media) -> str:
        """Return the sentence that stands in for a file over the limit."""
        template = "The file is {size:bytes}, and at most {bound:bytes} can be sent here. Ask for something smaller."
        return translate(template, self._language, size=media.bytes, bound=self.limits.file_bytes)

    async def _edit(self, card: Card) -> None:
        """Edit the message by the interaction's token while that is valid, then as a normal message. Raises Unreachable
        where the bot may do neither.
        """
        if self._route.webhook is not None:
            try:
                await self._route.webhook.edit_message(self._message.id, **self._changes(card))
            except discord.HTTPException as error:
                is_elsewhere = error.code in DELETED_MESSAGE_CODES and not self._route.private
                if error.code not in EXPIRED_TOKEN_CODES and not is_elsewhere:
                    raise
            else:
                return
        self._route.webhook = None
        try:
            await self._message.edit(**self._changes(card))
        except discord.Forbidden as error:
            raise Unreachable(str(error)) from error
        except discord.NotFound as error:
            if not self._route.private:
                raise
            raise Unreachable(str(error)) from error

    def _changes(self, card: Card) -> dict[str, Any]:
        """Return the changes as arguments of `edit`. Files that the message already has are not sent again."""
        changes = text_arguments(card)
        return changes if card.media == self._last_card.media else {**changes, "attachments": open_files(card)}
