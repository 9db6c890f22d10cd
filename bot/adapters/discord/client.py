"""The connection to Discord: takes interactions, defers them at once, and serves them as requests."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import discord
import structlog
from structlog.contextvars import bound_contextvars

from bot.adapters.base import LiveMessage, resume, serve
from bot.adapters.discord.buttons import ResultButton
from bot.adapters.discord.command_sync import sync
from bot.adapters.discord.followup import post_followup
from bot.adapters.discord.localisation import Spanish
from bot.adapters.discord.menus import EDIT_LENGTH, EditForm, Form, first_attachment, required_options
from bot.adapters.discord.message import RETRYABLE_ERRORS, DeletingLiveMessage, DiscordLiveMessage, ReplacingLiveMessage
from bot.adapters.discord.origin import file_bytes_at, is_followup, message_at
from bot.adapters.discord.requests import RequestFactory
from bot.adapters.discord.slash import Tree
from bot.core.command import Command, Request
from bot.i18n.translate import language_of, translate
from bot.presentation.buttons import command_of, deletes_message, edit_prompt, replaces_message
from bot.presentation.card import Card, card_of
from bot.requests.edit_text import text_to_edit
from bot.requests.service import Service
from engine.core.errors import UserError, UserMessage
from engine.core.job import Failed, Job

log = structlog.get_logger()


class Client(discord.Client):
    """Needs no privileged intent: interactions bring all that a request is made of."""

    def __init__(self, service: Service) -> None:
        nobody = discord.AllowedMentions.none()
        super().__init__(intents=discord.Intents(guilds=True), allowed_mentions=nobody, max_messages=None)
        self._service = service
        self._inbox = RequestFactory(service.studio)
        self._conversations: set[asyncio.Task[Any]] = set()
        self.tree = Tree(self, service.studio.commands, self._on_command, self._on_menu)

    async def setup_hook(self) -> None:
        self.add_dynamic_items(ResultButton)
        await self.tree.set_translator(Spanish())
        await sync(self.tree, self._service.studio.store)

    async def close(self) -> None:
        conversations = self._conversations - {asyncio.current_task()}
        for conversation in conversations:
            conversation.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)
        await super().close()

    async def on_connect(self) -> None:
        self.report_state("on")
        invitation = discord.utils.oauth_url(self.application_id or 0, scopes=("bot", "applications.commands"))
        log.info("discord is on", bot=str(self.user), invite=invitation)
        for job in await self._service.unfinished_jobs("discord"):
            self._resume(job)

    async def on_resumed(self) -> None:
        self.report_state("on")

    async def on_disconnect(self) -> None:
        if not self.is_closed():
            self.report_state("off: the connection to Discord is lost; it is being tried again")

    def report_state(self, template: str) -> None:
        """Say in `status` how the connection is."""
        self._service.studio.adapters["discord"] = UserMessage(template=template)

    async def handle_button(self, interaction: discord.Interaction, button: str) -> None:
        commands = self._service.studio.commands
        command = command_of(button, commands)
        if deletes_message(button, commands) or replaces_message(button, commands):
            await self._in_place(interaction, button)
        elif command is not None and command.edited_option:
            await self._edit(interaction, button, command)
        else:
            await self._press(interaction, button)

    async def _press(self, interaction: discord.Interaction, button: str, edited: str | None = None) -> None:
        name = button.partition(":")[0]
        await self._defer_and_serve(
            interaction, name, lambda answer: self._inbox.from_button(interaction, button, answer, edited)
        )

    async def _edit(self, interaction: discord.Interaction, button: str, command: Command) -> None:
        """A form with the text that the button opens; what is sent of it is the press."""
        asked = self._inbox.from_button(interaction, button, 0)

        async def run(of: discord.Interaction, edited: str) -> None:
            await self._press(of, button, edited)

        try:
            text = await text_to_edit(self._service.studio, asked, button, EDIT_LENGTH)
        except UserError as error:
            card = card_of(Failed.of(error), asked.language, ())
            await interaction.response.send_message(card.text, ephemeral=True)
        else:
            title, label = (
                translate(command.button, asked.language),
                edit_prompt(button, self._service.studio.commands, asked.language),
            )
            await interaction.response.send_modal(EditForm(title, label, text, run))

    async def _on_command(self, interaction: discord.Interaction, command: str, given: dict[str, Any]) -> None:
        await self._defer_and_serve(
            interaction, command, lambda answer: self._inbox.from_slash_command(interaction, command, given, answer)
        )

    async def _on_menu(self, interaction: discord.Interaction, command: Command, message: discord.Message) -> None:
        """A command for what somebody posted; a form asks first for the words that it needs."""
        language = language_of(str(interaction.locale))
        file = first_attachment(message, command)
        if file is None:
            nothing = "There is nothing in that message that /{command} takes. Choose another one."
            await interaction.response.send_message(translate(nothing, language, command=command.name), ephemeral=True)
            return

        async def run(of: discord.Interaction, given: dict[str, Any]) -> None:
            await self._defer_and_serve(
                of, command.name, lambda answer: self._inbox.from_menu(of, command, given, file, answer)
            )

        if required_options(command):
            await interaction.response.send_modal(Form(command, language, run))
        else:
            await run(interaction, {})

    async def _defer_and_serve(
        self, interaction: discord.Interaction, command: str, request: Callable[[int], Request]
    ) -> None:
        """Defer first: Discord waits three seconds. `request` is made of the id of the message that will answer."""
        with self._conversation():
            quiet = self._inbox.is_quiet(interaction, command)
            deferred = await interaction.response.defer(ephemeral=quiet, thinking=True)
            assert deferred is not None
            assert deferred.message_id is not None
            made = request(deferred.message_id)
            message = message_at(self, made.origin)
            live = DiscordLiveMessage(message, made.language, interaction.filesize_limit, interaction)
            await self._serve(made, live, interaction)

    async def _in_place(self, interaction: discord.Interaction, button: str) -> None:
        """The answer takes the place of the button's message, or takes the message away."""
        assert interaction.message is not None
        with self._conversation():
            await interaction.response.defer()
            made = self._inbox.from_button(interaction, button, interaction.message.id)
            if deletes_message(button, self._service.studio.commands):
                await self._serve(made, DeletingLiveMessage(interaction), interaction)
            else:
                message = message_at(self, made.origin)
                live = DiscordLiveMessage(message, made.language, interaction.filesize_limit, interaction)
                await self._serve(made, ReplacingLiveMessage(interaction, live), interaction)

    @contextmanager
    def _conversation(self) -> Iterator[None]:
        """Around all that is done for one interaction, so that closing can end it."""
        conversation = asyncio.current_task()
        assert conversation is not None
        self._conversations.add(conversation)
        try:
            yield
        finally:
            self._conversations.discard(conversation)

    async def _serve(self, request: Request, live: LiveMessage, interaction: discord.Interaction) -> None:
        with bound_contextvars(user=request.user, command=request.command):
            try:
                await serve(self._service, request, live, partial(self._resume, interaction=interaction))
            except Exception:
                log.exception("request failed")
                await self._send_failure(live, request)

    def _resume(self, job: Job, interaction: discord.Interaction | None = None) -> None:
        """`interaction` is the one that made the job, where this run of the bot saw it."""
        conversation = asyncio.create_task(self._resume_job(job, interaction))
        self._conversations.add(conversation)
        conversation.add_done_callback(self._conversations.discard)

    async def _resume_job(self, job: Job, interaction: discord.Interaction | None) -> None:
        """Once servers are known, and so what a file may weigh there."""
        await self.wait_until_ready()
        with bound_contextvars(user=job.user, job=job.id):
            try:
                message = await self._message(job, interaction)
                bound = interaction.filesize_limit if interaction else file_bytes_at(self, message)
                await resume(
                    self._service, job, DiscordLiveMessage(message, language_of(job.language), bound, interaction)
                )
            except Exception:
                log.exception("taking a job up failed")

    async def _message(self, job: Job, interaction: discord.Interaction | None) -> discord.PartialMessage:
        """The one that shows the job: posted now, where it is made together with others and has none yet."""
        posted = await post_followup(self, job, interaction) if is_followup(job.origin) else None
        if posted is None:
            return message_at(self, job.origin)
        await self._service.set_origin(job.id, posted)
        return message_at(self, posted)

    async def _send_failure(self, live: LiveMessage, request: Request) -> None:
        sorry = "That failed by a fault of ours, and the log says more. Try it again later."
        try:
            await live.show(Card(translate(sorry, request.language), final=True, failed=True))
        except (discord.HTTPException, *RETRYABLE_ERRORS) as error:
            log.warning("nor could that be told", why=str(error))
