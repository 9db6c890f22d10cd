"""Who sees an answer: everyone in the channel, or only the person who asked."""

import asyncio
from functools import partial
from typing import Any

import discord
import structlog

from bot.adapters.base import Limits, LiveMessage, LiveMessageWrapper, OnPosted
from bot.adapters.discord.content import TEXT_LENGTH, card_arguments
from bot.adapters.discord.deferral import respond_until_confirmed
from bot.adapters.discord.message import DELETED_MESSAGE_CODES, EDIT_SECONDS, FILE_COUNT, DiscordLiveMessage
from bot.adapters.discord.route import RETRYABLE_ERRORS, arguments_given, retry_until_sent
from bot.core.command import Request
from bot.i18n.translate import Language, language_of, translate
from bot.presentation.card import Card, card_of
from bot.requests.service import Service
from engine.core.errors import AtelierError
from engine.core.job import Failed

log = structlog.get_logger()

CHECK_SECONDS = 1.0
"""Seconds that the first checks of a request may take. Discord allows three before it has to be answered."""

NOT_DELETED = (
    "The result is deleted from the studio, but Discord didn't delete this message. Press the button again, or delete "
    "the message yourself."
)


class PublicLiveMessage(LiveMessageWrapper[DiscordLiveMessage]):
    """Shows a job to everyone in the channel, and an answer without a job, such as a refusal or a question, to its
    person alone. In a group chat questions are shown to everyone, because no job there counts as public.

    Who sees an answer is decided when Discord is told to wait for it, and "cannot be changed" later (Discord's Create
    Followup Message). So the placeholder is deleted, and a message for the person alone is sent instead.
    """

    def __init__(self, interaction: discord.Interaction, live: DiscordLiveMessage) -> None:
        super().__init__(live)
        self._interaction = interaction
        self._shows_job = False

    async def show(self, card: Card) -> None:
        """Show the card of a job in the answer, and another card to the person alone, while the token allows it."""
        self._shows_job = self._shows_job or bool(card.job)
        is_private = card.failed or self._interaction.guild_id is not None
        if self._shows_job or not is_private or not await self._is_placeholder_deleted():
            await self._live.show(card)
        else:
            await retry_until_sent(partial(send_privately, self._interaction, card))

    async def _is_placeholder_deleted(self) -> bool:
        """Delete the placeholder and return whether it is gone."""
        try:
            await retry_until_sent(self._interaction.delete_original_response)
        except discord.HTTPException as error:
            log.info("placeholder not deleted", why=str(error))
            return error.code in DELETED_MESSAGE_CODES
        return True


async def send_privately(interaction: discord.Interaction, card: Card) -> None:
    """Send the card in a new message that only the person of the interaction sees."""
    await interaction.followup.send(**arguments_given(card_arguments(card)), ephemeral=True)


async def is_refused(service: Service, request: Request, interaction: discord.Interaction) -> bool:
    """Refuse a request that fails the first checks, for its person alone, and return whether it was refused.

    Checks that take too long are given up: the request is checked again when it is served.
    """
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await service.check(request, complete=True)
    except TimeoutError:
        return False
    except AtelierError as error:
        await refuse(interaction, error, request.language)
        return True
    return False


async def refuse(interaction: discord.Interaction, error: AtelierError, language: Language) -> None:
    """Answer the interaction, which has no answer yet, with the error. Only its person sees that."""
    log.info("refused", kind=error.kind, why=str(error))
    card = card_of(Failed.of(error), language, ())

    async def respond() -> discord.InteractionCallbackResponse[Any]:
        return await interaction.response.send_message(**arguments_given(card_arguments(card)), ephemeral=True)

    await respond_until_confirmed(respond)


class ReplacingLiveMessage(LiveMessageWrapper[DiscordLiveMessage]):
    """Edits the message that carries the button. A refusal leaves that message as it is and is shown only to the person
    who clicked.
    """

    def __init__(self, interaction: discord.Interaction, live: DiscordLiveMessage) -> None:
        super().__init__(live)
        self._interaction = interaction
        self._replaced = False

    async def show(self, card: Card) -> None:
        """Edit the message, or send a refusal privately."""
        if card.failed and not card.job and not self._replaced:
            await send_privately(self._interaction, card)
        else:
            self._replaced = True
            await self._live.show(card)


class DeletingLiveMessage:
    """Deletes the message that carries the button, which is the original response of `interaction`. If Discord does not
    delete it, its buttons stay, and the person is told.
    """

    def __init__(self, interaction: discord.Interaction) -> None:
        self.limits = Limits(EDIT_SECONDS, TEXT_LENGTH, 0, FILE_COUNT)
        self.on_posted: OnPosted | None = None
        self._interaction = interaction

    async def show(self, card: Card) -> None:
        """Delete the message for a final card, or send a refusal privately."""
        if card.failed:
            await send_privately(self._interaction, card)
        elif card.final and not await self._is_deleted():
            text = translate(NOT_DELETED, language_of(str(self._interaction.locale)))
            await send_privately(self._interaction, Card(text))

    def skip_progress(self) -> None:
        """Do nothing: no progress is shown."""

    async def _is_deleted(self) -> bool:
        """Delete the message and return whether it is gone, also if somebody else deleted it earlier."""
        try:
            await self._interaction.delete_original_response()
        except (*RETRYABLE_ERRORS, discord.HTTPException) as error:
            log.info("message not deleted", why=str(error))
            return isinstance(error, discord.NotFound) and error.code in DELETED_MESSAGE_CODES
        return True


async def show_failure(live: LiveMessage, language: Language) -> None:
    """Show that the request failed unexpectedly, where Discord still allows it."""
    template = "Something went wrong on our side. Please try again later."
    try:
        await live.show(Card(translate(template, language), final=True, failed=True))
    except (discord.HTTPException, *RETRYABLE_ERRORS) as error:
        log.warning("the failure message could not be sent", why=str(error))
