"""The live message of one request on Telegram: posted as an answer, edited while the job runs, at last the result."""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import Any

import structlog
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, Message
from telegram.constants import FileSizeLimit, FloodLimit, MediaGroupLimit, MessageLimit
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, TelegramError, TimedOut
from telegram.ext import ExtBot

from bot.adapters.base import Limits, OnPosted, cut
from bot.adapters.telegram.files import Upload, albums, uploads
from bot.adapters.telegram.message_ref import MessageRef
from bot.i18n.translate import Language, translate
from bot.presentation.card import Card
from engine.core.job import Media

log = structlog.get_logger()
Bot = ExtBot[bool]

NO_LINKS = LinkPreviewOptions(is_disabled=True)
BUTTONS_PER_ROW = 4
"""Buttons side by side, whose words a phone shows in full."""
RETRY_SECONDS, MAX_RETRY_SECONDS = 5.0, 120.0
"""Seconds before an answer that did not arrive is sent again; doubled each time, up to the longest."""
REFUSED = "Telegram refused the files of this answer. Ask for something smaller."
UNSURE = "The connection broke while its files were sent. Should some be missing, ask again: it costs nothing."
PREVIEW_SECONDS = 5.0
"""A preview is an upload: the first comes when a job takes this long, and the next as much later."""


def limits_of(*, local: bool, group: bool) -> Limits:
    """Telegram's limits, or those of a local Bot API server."""
    return Limits(
        edit_seconds=60 / FloodLimit.MESSAGES_PER_MINUTE_PER_GROUP
        if group
        else 1 / FloodLimit.MESSAGES_PER_SECOND_PER_CHAT,
        text_length=MessageLimit.MAX_TEXT_LENGTH,
        file_bytes=FileSizeLimit.FILESIZE_UPLOAD_LOCAL_MODE if local else FileSizeLimit.FILESIZE_UPLOAD,
        file_count=MediaGroupLimit.MAX_MEDIA_LENGTH,
    )


class TelegramLiveMessage:
    """Posts under `place` and edits what it posted, or what an earlier run posted where `place` has it live.

    A job's answer is always an edit, be it of a message posted for that just before: an edit made twice shows once.
    """

    def __init__(self, bot: Bot, place: MessageRef, language: Language, *, local: bool = False) -> None:
        self.limits = limits_of(local=local, group=place.is_group)
        self.on_posted: OnPosted | None = None
        self._bot, self._place, self._language = bot, place, language
        self._is_text: bool | None = None
        self._gone = False
        self._pictured = time.monotonic()

    async def show(self, card: Card) -> None:
        """A final card is sent until it arrives or is refused. Raises only where it was no job's and did not arrive."""
        try:
            await (self._arrive(card) if card.final else self._progress(card))
        except ChatMigrated as moved:
            self._place = replace(self._place, chat=moved.new_chat_id, live=0)
            await self.show(card)
        except TelegramError as error:
            if card.final:
                raise
            self._gone = isinstance(error, Forbidden)
            log.warning("progress not shown", origin=str(self._place), why=error.message)

    async def _progress(self, card: Card) -> None:
        if self._gone:
            return
        if card.media and time.monotonic() - self._pictured >= PREVIEW_SECONDS:
            await self._picture(await Upload.of(card.media[0], "photo"), card)
            self._pictured = time.monotonic()
        else:
            await self._words(card)

    async def _arrive(self, card: Card) -> None:
        pause = RETRY_SECONDS
        while True:
            try:
                return await self._finish(card)
            except BadRequest as error:
                if not card.media:
                    raise
                log.error("answer refused", origin=str(self._place), why=error.message)  # noqa: TRY400
                card = replace(card, media=(), text="\n".join([card.text, translate(REFUSED, self._language)]))
                continue
            except NetworkError as error:
                if self.on_posted is None:
                    raise
                log.warning("answer not shown yet", origin=str(self._place), why=error.message, again_in=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, MAX_RETRY_SECONDS)

    async def _finish(self, card: Card) -> None:
        """A file that stands alone becomes the message itself; an album stands beside it, as do words too long."""
        small = tuple(one for one in card.media if one.bytes <= self.limits.file_bytes)
        refused = (self._too_big(one) for one in card.media if one not in small)
        unsure = [translate(UNSURE, self._language)] if self._place.sent > len(self._place.beside) else []
        told = replace(card, text="\n".join([card.text, *refused, *unsure]))
        made = await uploads(small)
        if self.on_posted is not None and not self._place.live:
            await self._words(Card(translate("Starting…", self._language)))
        if self._place.live and self._is_text is None and len(made) > 1:
            await self._words(told)
        alone = self._is_text is False or len(next(iter(albums(made, self.limits.file_count)), ())) == 1
        if alone and made and len(told.text) <= MessageLimit.CAPTION_LENGTH:
            await self._picture(made.pop(0), told)
        else:
            await self._words(told)
        await self._beside(made, told)

    async def _beside(self, made: list[Upload], told: Card) -> None:
        """What does not fit into the message. It is noted first: to send it twice would show it twice."""
        for album in albums(made[self._place.sent :], self.limits.file_count):
            if self.on_posted is not None:
                self._place = replace(self._place, sent=self._place.sent + len(album))
                await self.on_posted(str(self._place))
            try:
                await self._add_followups(await self._album(album))
            except TimedOut as error:
                if self.on_posted is None:
                    raise
                log.warning("album sent, but not confirmed", origin=str(self._place), why=error.message)
                await self._words(replace(told, text="\n".join([told.text, translate(UNSURE, self._language)])))

    def _too_big(self, media: Media) -> str:
        megabytes, allowed = media.bytes / 1e6, self.limits.file_bytes / 1e6
        template = "A file of {size} MB was made; Telegram takes {bound} MB at most. Ask for something smaller."
        return translate(template, self._language, size=f"{megabytes:.0f}", bound=f"{allowed:.0f}")

    async def _words(self, card: Card) -> None:
        text = cut(card.text, self.limits.text_length) or "…"
        if not self._place.live:
            post = self._bot.send_message(text=text, link_preview_options=NO_LINKS, **self._under(), **_buttons(card))
            await self._record_message(await post)
        elif self._is_text is False:
            caption = cut(card.text, MessageLimit.CAPTION_LENGTH)
            await self._apply_edit(card, self._bot.edit_message_caption(caption=caption, **self._edit(card)))
        else:
            change = self._bot.edit_message_text(text, link_preview_options=NO_LINKS, **self._edit(card))
            await self._apply_edit(card, change)

    async def _picture(self, parcel: Upload, card: Card) -> None:
        caption = cut(card.text, MessageLimit.CAPTION_LENGTH)
        if not self._place.live:
            await self._record_message(await self._post(parcel, caption=caption, **_buttons(card)))
        else:
            await self._apply_edit(card, self._bot.edit_message_media(parcel.input(caption), **self._edit(card)))

    async def _album(self, made: list[Upload]) -> Sequence[Message]:
        if len(made) == 1:
            return [await self._post(made[0])]
        return await self._bot.send_media_group(media=[parcel.input() for parcel in made], **self._under())

    async def _add_followups(self, messages: Sequence[Message]) -> None:
        """Note what stands beside the message, so that it can go with it."""
        if self.on_posted is not None:
            numbers = (message.message_id for message in messages)
            self._place = replace(self._place, beside=(*self._place.beside, *numbers))
            await self.on_posted(str(self._place))

    async def _post(self, parcel: Upload, **extra: Any) -> Message:
        send = getattr(self._bot, f"send_{parcel.kind}")
        media: Any = {parcel.kind: parcel.data, "filename": parcel.name, **parcel.shape}
        message: Message = await send(**media, **self._under(), **extra)
        return message

    async def _record_message(self, message: Message) -> None:
        self._is_text = message.text is not None
        self._place = replace(self._place, live=message.message_id)
        if self.on_posted is not None:
            await self.on_posted(str(self._place))

    async def _apply_edit(self, card: Card, change: Awaitable[Message | bool]) -> None:
        """Hold what the message is now. Where a person deleted it, only the final card is posted anew."""
        try:
            message = await change
        except BadRequest as error:
            if "not modified" in error.message:
                return
            if "no text in the message" in error.message:
                self._is_text = False
                await self._words(card)
                return
            if "not found" not in error.message and "can't be edited" not in error.message:
                raise
            self._place, self._gone = replace(self._place, live=0), True
            if card.final:
                await self._finish(card)
            return
        assert isinstance(message, Message), "only inline messages give no message back"
        self._is_text = message.text is not None

    def _under(self) -> dict[str, Any]:
        """Under the asking message, in its topic."""
        place = self._place
        return {"chat_id": place.chat, "message_thread_id": place.thread or None, "reply_parameters": place.reply}

    def _edit(self, card: Card) -> dict[str, Any]:
        number = self._place.live
        return {"chat_id": self._place.chat, "message_id": number, "rate_limit_args": not card.final, **_buttons(card)}


def _buttons(card: Card) -> dict[str, Any]:
    buttons = [InlineKeyboardButton(button.label, callback_data=button.id) for button in card.buttons]
    rows = [buttons[start : start + BUTTONS_PER_ROW] for start in range(0, len(buttons), BUTTONS_PER_ROW)]
    return {"reply_markup": InlineKeyboardMarkup(rows) if rows else None}
