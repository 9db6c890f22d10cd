"""The live message of one request on Discord: the deferred answer, edited while the job runs, at last the result."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import aiohttp
import discord
import structlog

from bot.adapters.base import Limits, LiveMessageWrapper, OnPosted, cut
from bot.adapters.discord.buttons import row_of
from bot.adapters.discord.origin import origin_of
from bot.i18n.translate import Language, translate
from bot.presentation.card import Card
from engine.core.job import Media

log = structlog.get_logger()

T = TypeVar("T")

EDIT_SECONDS = 1.5
"""Discord takes five edits of one answer in five seconds."""

TEXT_LENGTH, FILE_COUNT, ALT_LENGTH = 2000, 10, 1024

EXPIRED_TOKEN_CODES = (10015, 50027)
"""Unknown Webhook, Invalid Webhook Token: the interaction is over fifteen minutes old."""

DELETED_MESSAGE_CODES = (10003, 10008)
"""Unknown Channel, Unknown Message: somebody deleted it, and wants to see no more of it."""

RETRY_SECONDS, MAX_RETRY_SECONDS = 1.0, 120.0
"""Seconds before a final card that the network lost is sent again; doubled each time, up to the longest."""

RETRYABLE_ERRORS = (OSError, aiohttp.ClientError, TimeoutError, discord.DiscordServerError)
"""What the network or Discord's servers do wrong, so that the same edit may go through later."""


class DiscordLiveMessage:
    """Edits `message`, the answer to `interaction`: by its token while that lives, then as any message."""

    def __init__(
        self,
        message: discord.PartialMessage,
        language: Language,
        file_bytes: int,
        interaction: discord.Interaction | None,
    ) -> None:
        self.limits = Limits(EDIT_SECONDS, TEXT_LENGTH, file_bytes, FILE_COUNT)
        self._message, self._language, self._interaction = message, language, interaction
        self.on_posted: OnPosted | None = None
        self._shown = Card("")
        self._deleted = False

    async def show(self, card: Card) -> None:
        """A final card is sent until it arrives. Raises only where Discord refuses it even without its files."""
        if card == self._shown or self._deleted:
            return
        try:
            await (self._finish(card) if card.final else self._edit(card))
            self._shown = card
        except discord.NotFound as error:
            if error.code not in DELETED_MESSAGE_CODES:
                raise
            log.info("the answer was deleted", origin=self._origin)
            self._deleted = True
        except discord.Forbidden as error:
            log.warning("not allowed to answer", origin=self._origin, why=str(error))
            self._deleted = card.final
        except (*RETRYABLE_ERRORS, discord.HTTPException) as error:
            if card.final:
                raise
            log.warning("progress not shown", why=str(error))

    @property
    def _origin(self) -> str:
        return origin_of(self._message.channel.id, self._message.id)

    async def _finish(self, card: Card) -> None:
        fitting = tuple(one for one in card.media if one.bytes <= self.limits.file_bytes)[: self.limits.file_count]
        refused = (self._too_big(one) for one in card.media if one.bytes > self.limits.file_bytes)
        told = replace(card, media=fitting, text="\n".join([card.text, *refused]))
        try:
            await retry_until_sent(partial(self._edit, told))
        except (discord.NotFound, discord.Forbidden):
            raise
        except discord.HTTPException as error:
            log.error("answer refused", why=str(error))  # noqa: TRY400  # Discord says what it is about
            refused_too = translate(
                "Discord refused the files of this answer. Ask for something smaller.", self._language
            )
            plain = replace(told, media=(), text=f"{told.text}\n{refused_too}")
            await retry_until_sent(partial(self._edit, plain))

    def _too_big(self, media: Media) -> str:
        template = "A file of {size} MB was made; here at most {bound} MB can be sent. Ask for something smaller."
        size, bound = media.bytes / 1e6, self.limits.file_bytes / 1e6
        return translate(template, self._language, size=f"{size:.0f}", bound=f"{bound:.0f}")

    async def _edit(self, card: Card) -> None:
        if self._interaction is not None and not self._interaction.is_expired():
            try:
                await self._interaction.followup.edit_message(self._message.id, **self._changes(card))
            except discord.HTTPException as error:
                if error.code not in EXPIRED_TOKEN_CODES:
                    raise
            else:
                return
        self._interaction = None
        await self._message.edit(**self._changes(card))

    def _changes(self, card: Card) -> dict[str, Any]:
        """Files that are there already are neither sent nor dropped."""
        changes: dict[str, Any] = {
            "content": cut(discord.utils.escape_markdown(card.text), self.limits.text_length),
            "view": row_of(card.buttons),
        }
        if card.media != self._shown.media:
            changes["attachments"] = [_file(media, card.alt) for media in card.media]
        return changes


async def retry_until_sent(send: Callable[[], Awaitable[T]]) -> T:
    """What is sent until it arrives. Raises HTTPException where Discord refuses it."""
    pause = RETRY_SECONDS
    while True:
        try:
            return await send()
        except RETRYABLE_ERRORS as error:
            log.warning("answer not shown yet", why=str(error), again_in=pause)
        await asyncio.sleep(pause)
        pause = min(2 * pause, MAX_RETRY_SECONDS)


def _file(media: Media, alt: str) -> discord.File:
    name = f"{media.sha256[:12]}{media.path.suffix}"
    return discord.File(media.path, name, description=cut(alt, ALT_LENGTH) or None)


class ReplacingLiveMessage(LiveMessageWrapper[DiscordLiveMessage]):
    """`live` edits the button's own message; a refusal leaves that as it is and is told to the person alone."""

    def __init__(self, interaction: discord.Interaction, live: DiscordLiveMessage) -> None:
        super().__init__(live)
        self._interaction = interaction
        self._replaced = False

    async def show(self, card: Card) -> None:
        if card.failed and not self._replaced:
            words = cut(discord.utils.escape_markdown(card.text), TEXT_LENGTH)
            await self._interaction.followup.send(words, ephemeral=True)
        else:
            self._replaced = True
            await self._live.show(card)


class DeletingLiveMessage:
    """`interaction` was acknowledged without a message of its own, so its original one is that of the button."""

    def __init__(self, interaction: discord.Interaction) -> None:
        self.limits = Limits(EDIT_SECONDS, TEXT_LENGTH, 0, FILE_COUNT)
        self.on_posted: OnPosted | None = None
        self._interaction = interaction

    async def show(self, card: Card) -> None:
        if card.failed:
            words = cut(discord.utils.escape_markdown(card.text), TEXT_LENGTH)
            await self._interaction.followup.send(words, ephemeral=True)
        elif card.final:
            await self._interaction.delete_original_response()
