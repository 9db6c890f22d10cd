"""The live message of a request on Telegram: posted as a reply, edited while the job runs and then with its result."""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import Any

import structlog
from telegram import LinkPreviewOptions, Message
from telegram.constants import FileSizeLimit, FloodLimit, MediaGroupLimit, MessageLimit
from telegram.error import BadRequest, ChatMigrated, NetworkError, TelegramError
from telegram.ext import ExtBot

from bot.adapters.base import Limits, MessageGone, OnPosted, truncate
from bot.adapters.telegram.errors import is_gone, may_have_arrived
from bot.adapters.telegram.files import Upload, group_albums, read_uploads
from bot.adapters.telegram.keyboard import keyboard_of
from bot.adapters.telegram.message_ref import MessageRef
from bot.i18n.translate import Language, translate
from bot.presentation.card import Card, cancel_button
from engine.core.job import Media

log = structlog.get_logger()
Bot = ExtBot[asyncio.Event]

NO_LINKS = LinkPreviewOptions(is_disabled=True)
"""Turns off the previews of links in an answer."""
RETRY_SECONDS, MAX_RETRY_SECONDS = 5.0, 120.0
"""Seconds before an undelivered answer is sent again: doubled each time, up to the maximum."""
FILES_REFUSED = "Telegram refused the files. Ask for something smaller."
FILES_UNCONFIRMED = (
    "The connection broke while the files were being sent. If any are missing, ask again: it costs nothing."
)
PROGRESS_READ_SECONDS = 5.0
"""Seconds that a progress edit waits for its answer. The final card waits for it, too."""
PREVIEW_SECONDS = 5.0
"""Seconds before the first preview and between two of them. Each preview is an upload."""


def limits_of(*, local: bool, group: bool) -> Limits:
    """Return the limits of Telegram, or those of a local Bot API server. Groups allow fewer edits."""
    return Limits(
        edit_seconds=60 / FloodLimit.MESSAGES_PER_MINUTE_PER_GROUP
        if group
        else 1 / FloodLimit.MESSAGES_PER_SECOND_PER_CHAT,
        text_length=MessageLimit.MAX_TEXT_LENGTH,
        file_bytes=FileSizeLimit.FILESIZE_UPLOAD_LOCAL_MODE if local else FileSizeLimit.FILESIZE_UPLOAD,
        file_count=MediaGroupLimit.MAX_MEDIA_LENGTH,
    )


class TelegramLiveMessage:
    """Posts a reply to `ref` and edits it. Where `ref.live` is set, edits that message, which an earlier run posted.

    A job's result is always an edit, if need be of a message posted just before, because an edit that is sent twice
    appears once.
    """

    def __init__(self, bot: Bot, ref: MessageRef, language: Language, *, local: bool = False) -> None:
        self.limits = limits_of(local=local, group=ref.is_group)
        self.on_posted: OnPosted | None = None
        self._bot, self._ref, self._language = bot, ref, language
        self._is_text: bool | None = None
        self._hides_progress = False
        self._last_preview = time.monotonic()
        self._superseded = asyncio.Event()

    @property
    def ref(self) -> MessageRef:
        """Return where the message is."""
        return self._ref

    def skip_progress(self) -> None:
        """Give up a progress edit that waits for Telegram's limits."""
        self._superseded.set()

    async def show(self, card: Card) -> None:
        """Post or edit the message to show the card.

        The final card of a job is retried until Telegram accepts it, or until nobody can see the chat. Raises
        MessageGone for a progress card that nobody can see. Raises TelegramError where Telegram refuses a final card
        without files, or where one without a job could not be sent.
        """
        try:
            await (self._deliver(card) if card.final else self._show_progress(card))
        except ChatMigrated as moved:
            self._ref = replace(self._ref, chat=moved.new_chat_id, live=0)
            await self.show(card)
        except TelegramError as error:
            if not card.final and is_gone(error):
                raise MessageGone from error
            if card.final and not (self.on_posted is not None and is_gone(error)):
                raise
            log.warning("answer not shown" if card.final else "progress not shown", why=error.message)

    async def _show_progress(self, card: Card) -> None:
        """Show the card's text, or its preview where the last one was posted long enough ago."""
        if self._hides_progress:
            return
        if card.media and time.monotonic() - self._last_preview >= PREVIEW_SECONDS:
            await self._show_picture(await Upload.of(card.media[0], "photo"), card)
            self._last_preview = time.monotonic()
        else:
            await self._show_text(card)

    async def _deliver(self, card: Card) -> None:
        """Send the final card until it arrives. If Telegram refuses the files, send the text alone and say so."""
        wait = RETRY_SECONDS
        while True:
            try:
                return await self._finish(card)
            except BadRequest as error:
                if not card.media:
                    raise
                log.error("answer refused", origin=str(self._ref), why=error.message)  # noqa: TRY400
                card = replace(card, media=(), text="\n".join([card.text, translate(FILES_REFUSED, self._language)]))
                continue
            except NetworkError as error:
                if self.on_posted is None:
                    raise
                log.warning("answer not sent yet", origin=str(self._ref), why=error.message, retry_seconds=wait)
            await asyncio.sleep(wait)
            wait = min(2 * wait, MAX_RETRY_SECONDS)

    async def _finish(self, card: Card) -> None:
        """Show the final card. A single file becomes the message itself, with the text as its caption. An album, or a
        text too long for a caption, needs a message of its own.
        """
        small = tuple(one for one in card.media if one.bytes <= self.limits.file_bytes)
        oversized = (self._describe_oversized(one) for one in card.media if one not in small)
        is_confirmed = self._ref.sent <= len(self._ref.followups)
        unconfirmed = [] if is_confirmed else [translate(FILES_UNCONFIRMED, self._language)]
        sendable = replace(card, text="\n".join([card.text, *oversized, *unconfirmed]))
        uploads = await read_uploads(small, exact=card.exact)
        if self.on_posted is not None and not self._ref.live:
            buttons = (cancel_button(card.job, self._language),) if card.job else ()
            await self._show_text(Card(translate("Starting…", self._language), buttons=buttons))
        if self._ref.live and self._is_text is None and len(uploads) > 1:
            await self._show_text(sendable)
        alone = self._is_text is False or len(next(iter(group_albums(uploads, self.limits.file_count)), ())) == 1
        if alone and uploads and len(sendable.text) <= MessageLimit.CAPTION_LENGTH:
            await self._show_picture(uploads.pop(0), sendable)
        else:
            await self._show_text(sendable)
        await self._send_followups(uploads, sendable)

    async def _send_followups(self, uploads: list[Upload], sendable: Card) -> None:
        """Send the files that do not fit into the message. Each album is recorded before it is sent, since sending it
        twice would show it twice.
        """
        for album in group_albums(uploads[self._ref.sent :], self.limits.file_count):
            if self.on_posted is not None:
                self._ref = replace(self._ref, sent=self._ref.sent + len(album))
                await self.on_posted(str(self._ref))
            try:
                await self._add_followups(await self._send_album(album))
            except NetworkError as error:
                if self.on_posted is None or not may_have_arrived(error):
                    await self._forget_unsent(album)
                    raise
                log.warning("album sent, but not confirmed", origin=str(self._ref), why=error.message)
                note = translate(FILES_UNCONFIRMED, self._language)
                await self._show_text(replace(sendable, text=f"{sendable.text}\n{note}"))

    async def _forget_unsent(self, album: list[Upload]) -> None:
        """Record that the album, which was recorded before it was sent, certainly did not arrive."""
        if self.on_posted is not None:
            self._ref = replace(self._ref, sent=self._ref.sent - len(album))
            await self.on_posted(str(self._ref))

    def _describe_oversized(self, media: Media) -> str:
        template = "The file is {size:bytes}, and Telegram allows at most {bound:bytes}. Ask for something smaller."
        return translate(template, self._language, size=media.bytes, bound=self.limits.file_bytes)

    async def _show_text(self, card: Card) -> None:
        """Post the card's text, or edit it in the message: as its text, or as the caption of its file."""
        text = truncate(card.text, self.limits.text_length) or "…"
        if not self._ref.live:
            arguments = {**self._reply_arguments(), "reply_markup": keyboard_of(card.buttons)}
            await self._post(self._bot.send_message(text=text, link_preview_options=NO_LINKS, **arguments))
        elif self._is_text is False:
            caption = truncate(card.text, MessageLimit.CAPTION_LENGTH)
            await self._apply_edit(card, self._bot.edit_message_caption(caption=caption, **self._edit_arguments(card)))
        else:
            change = self._bot.edit_message_text(text, link_preview_options=NO_LINKS, **self._edit_arguments(card))
            await self._apply_edit(card, change)

    async def _show_picture(self, upload: Upload, card: Card) -> None:
        caption = truncate(card.text, MessageLimit.CAPTION_LENGTH)
        if not self._ref.live:
            await self._post(self._send_file(upload, caption=caption, reply_markup=keyboard_of(card.buttons)))
        else:
            change = self._bot.edit_message_media(upload.input(caption), **self._edit_arguments(card))
            await self._apply_edit(card, change)

    async def _send_album(self, uploads: list[Upload]) -> Sequence[Message]:
        if len(uploads) == 1:
            return [await self._send_file(uploads[0])]
        return await self._bot.send_media_group(media=[upload.input() for upload in uploads], **self._reply_arguments())

    async def _add_followups(self, messages: Sequence[Message]) -> None:
        """Record the follow-up messages, so that they can be deleted with the answer."""
        if self.on_posted is not None:
            numbers = (message.message_id for message in messages)
            self._ref = replace(self._ref, followups=(*self._ref.followups, *numbers))
            await self.on_posted(str(self._ref))

    async def _send_file(self, upload: Upload, **extra: Any) -> Message:
        send = getattr(self._bot, f"send_{upload.kind}")
        media: Any = {upload.kind: upload.data, "filename": upload.name, **upload.player_hints}
        message: Message = await send(**media, **self._reply_arguments(), **extra)
        return message

    async def _post(self, post: Awaitable[Message]) -> None:
        """Post the message and record it. If it may have arrived although the call failed, show no more progress, which
        would be posted a second time.
        """
        try:
            message = await post
        except NetworkError as error:
            self._hides_progress = may_have_arrived(error)
            raise
        self._is_text = message.text is not None
        self._ref = replace(self._ref, live=message.message_id)
        if self.on_posted is not None:
            await self.on_posted(str(self._ref))

    async def _apply_edit(self, card: Card, change: Awaitable[Message | bool]) -> None:
        """Await an edit and remember whether the message is text. If somebody deleted the message, post the final card
        anew.
        """
        try:
            message = await change
        except BadRequest as error:
            if "not modified" in error.message:
                return
            if "no text in the message" in error.message:
                self._is_text = False
                await self._show_text(card)
                return
            if not (card.final and is_gone(error)):
                raise
            self._ref = replace(self._ref, live=0)
            await self._finish(card)
            return
        assert isinstance(message, Message), "Telegram returns True only for edits of inline messages"
        self._is_text = message.text is not None

    def _reply_arguments(self) -> dict[str, Any]:
        """Return the arguments that post a message as a reply to the request, in its topic."""
        ref = self._ref
        return {"chat_id": ref.chat, "message_thread_id": ref.thread or None, "reply_parameters": ref.reply}

    def _edit_arguments(self, card: Card) -> dict[str, Any]:
        """Return the arguments that edit the live message."""
        target = {"chat_id": self._ref.chat, "message_id": self._ref.live}
        once = {} if card.final else {"rate_limit_args": self._superseded, "read_timeout": PROGRESS_READ_SECONDS}
        return {**target, **once, "reply_markup": keyboard_of(card.buttons)}
