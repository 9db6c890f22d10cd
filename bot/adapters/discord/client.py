"""The Discord client: defers each interaction at once, then serves it as a request."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import discord
import structlog
from structlog.contextvars import bound_contextvars

from bot.adapters.base import LiveMessage, resume, serve
from bot.adapters.discord.audience import (
    DeletingLiveMessage,
    PublicLiveMessage,
    ReplacingLiveMessage,
    is_refused,
    refuse,
    show_failure,
)
from bot.adapters.discord.buttons import ResultButton
from bot.adapters.discord.command_sync import sync
from bot.adapters.discord.deferral import defer, defer_update
from bot.adapters.discord.forms import (
    EDIT,
    EDIT_LENGTH,
    MENU,
    TEXT,
    edit_form,
    load_menu_form,
    menu_form,
    submitted_form,
)
from bot.adapters.discord.invitation import invitation_url, post_welcome
from bot.adapters.discord.localisation import Spanish
from bot.adapters.discord.menus import first_attachment, required_options
from bot.adapters.discord.message import DiscordLiveMessage
from bot.adapters.discord.origin import message_at
from bot.adapters.discord.requests import RequestFactory
from bot.adapters.discord.resumption import live_message_for
from bot.adapters.discord.route import Route
from bot.adapters.discord.slash import Tree
from bot.core.command import Attachment, ButtonAction, Command, Request
from bot.i18n.translate import language_of, translate
from bot.presentation.buttons import action_of, edit_prompt, label_of
from bot.requests.confirmations import is_public_question
from bot.requests.edit_text import text_to_edit
from bot.requests.outcomes import has_ended
from bot.requests.service import Service
from engine.core.errors import UserError, UserMessage
from engine.core.job import Job

log = structlog.get_logger()

FORM_EXPIRED = "This form has expired. Open it again."


class Client(discord.Client):
    """The connection to Discord. It needs no privileged intent, because an interaction carries everything a request
    needs.
    """

    def __init__(self, service: Service) -> None:
        nobody = discord.AllowedMentions.none()
        super().__init__(intents=discord.Intents(guilds=True), allowed_mentions=nobody, max_messages=None)
        self._service = service
        self._requests = RequestFactory(service.studio)
        self._tasks: set[asyncio.Task[Any]] = set()
        self.tree = Tree(self, service.studio.commands, self._on_command, self._on_menu)

    async def setup_hook(self) -> None:
        """Register the buttons and send the slash commands to Discord. discord.py calls this after the login."""
        self.add_dynamic_items(ResultButton)
        await self.tree.set_translator(Spanish())
        await sync(self.tree, self._service.studio.store)

    async def close(self) -> None:
        """Cancel the interactions that are still being served, then disconnect."""
        tasks = self._tasks - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await super().close()

    async def on_connect(self) -> None:
        """Report the connection, log the invitation link, and resume the jobs that an earlier run left unfinished."""
        self.report_state("on")
        log.info("discord is on", bot=str(self.user), invite=invitation_url(self.application_id or 0))
        for job in await self._service.unfinished_jobs("discord"):
            self._resume(job)

    async def on_resumed(self) -> None:
        """Report the connection after discord.py has restored it."""
        self.report_state("on")

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Welcome the members of a server that has added the bot."""
        await post_welcome(guild)

    async def on_disconnect(self) -> None:
        """Report a lost connection, unless the client is being closed."""
        if not self.is_closed():
            self.report_state("off: lost the connection to Discord; reconnecting")

    def report_state(self, template: str) -> None:
        """Show `template` as Discord's state in `status`."""
        self._service.studio.adapters["discord"] = UserMessage(template=template)

    async def handle_button(self, interaction: discord.Interaction, button: str) -> None:
        """Answer a click: in a new message, in the button's own message, or with a form for the text to edit.

        A Cancel button whose job has ended is under a card that could not be updated. The click's token can.
        """
        command, _, job = button.partition(":")
        if command == "cancel" and await has_ended(self._service.studio, job):
            return await self._serve_in_place(interaction, f"show:{job}")
        match action_of(button, self._service.studio.commands):
            case ButtonAction.REPLACE | ButtonAction.DELETE:
                await self._serve_in_place(interaction, button)
            case ButtonAction.EDIT:
                await self._open_edit_form(interaction, button)
            case ButtonAction.NEW:
                await self._serve_click(interaction, button)
        return None

    async def _serve_click(self, interaction: discord.Interaction, button: str, edited: str | None = None) -> None:
        name = button.partition(":")[0]
        await self._defer_and_serve(
            interaction, name, lambda answer: self._requests.from_button(interaction, button, answer, edited)
        )

    async def _open_edit_form(self, interaction: discord.Interaction, button: str) -> None:
        """Open a form with the text of the button's job. Submitting the form counts as the click."""
        asked = self._requests.from_button(interaction, button, 0)
        try:
            text = await text_to_edit(self._service.studio, asked, button, EDIT_LENGTH)
        except UserError as error:
            await refuse(interaction, error, asked.language)
        else:
            commands = self._service.studio.commands
            title, label = label_of(button, commands, asked.language), edit_prompt(button, commands, asked.language)
            await interaction.response.send_modal(edit_form(title, label, text, button))

    async def _on_command(self, interaction: discord.Interaction, command: str, options: dict[str, Any]) -> None:
        await self._defer_and_serve(
            interaction,
            command,
            lambda answer: self._requests.from_slash_command(interaction, command, options, answer),
        )

    async def _on_menu(self, interaction: discord.Interaction, command: Command, message: discord.Message) -> None:
        """Run a command on the file of a message. Ask in a form first where the command has required options."""
        language = language_of(str(interaction.locale))
        file = first_attachment(message, command)
        if file is None:
            template = "/{command} can't use anything in that message. Choose another one."
            await interaction.response.send_message(translate(template, language, command=command.name), ephemeral=True)
            return
        if required_options(command):
            store = self._service.studio.store
            await interaction.response.send_modal(await menu_form(store, command, file, language))
        else:
            await self._serve_menu(interaction, command, file, {})

    async def _serve_menu(
        self, interaction: discord.Interaction, command: Command, file: Attachment, options: dict[str, str]
    ) -> None:
        await self._defer_and_serve(
            interaction,
            command.name,
            lambda answer: self._requests.from_menu(interaction, command, options, file, answer),
        )

    async def on_interaction(self, interaction: discord.Interaction, /) -> None:
        """Serve a submitted form. discord.py passes every other interaction to the commands and buttons."""
        if interaction.type is not discord.InteractionType.modal_submit:
            return None
        kind, rest, fields = submitted_form(interaction)
        if kind == EDIT:
            return await self._serve_click(interaction, rest, fields.get(TEXT, ""))
        stored = await load_menu_form(self._service.studio.store, rest) if kind == MENU else None
        command = self._service.studio.command(stored[0]) if stored else None
        if stored is None or command is None:
            text = translate(FORM_EXPIRED, language_of(str(interaction.locale)))
            await interaction.response.send_message(text, ephemeral=True)
        else:
            await self._serve_menu(interaction, command, stored[1], fields)
        return None

    async def _defer_and_serve(
        self, interaction: discord.Interaction, command: str, request: Callable[[int], Request]
    ) -> None:
        """Defer the interaction, then serve it. Discord allows three seconds to defer.

        `request` receives the id of the message that will hold the answer.
        """
        with self._track_task():
            ephemeral = self._requests.is_ephemeral(interaction, command)
            is_shared = not (ephemeral or interaction.context.dm_channel)
            if is_shared and await is_refused(self._service, request(0), interaction):
                return
            asked = request(await defer(interaction, ephemeral=ephemeral))
            live = self._live_message(asked, interaction)
            await self._serve(asked, PublicLiveMessage(interaction, live) if is_shared else live, interaction)

    async def _serve_in_place(self, interaction: discord.Interaction, button: str) -> None:
        """Put the answer in the place of the button's message, or delete that message."""
        assert interaction.message is not None
        with self._track_task():
            await defer_update(interaction)
            asked = self._requests.from_button(interaction, button, interaction.message.id)
            if interaction.message.flags.ephemeral and await is_public_question(self._service.studio, button):
                asked = self._requests.in_public(asked, interaction, interaction.message.id)
            if action_of(button, self._service.studio.commands) is ButtonAction.DELETE:
                await self._serve(asked, DeletingLiveMessage(interaction), interaction)
            else:
                live = self._live_message(asked, interaction)
                await self._serve(asked, ReplacingLiveMessage(interaction, live), interaction)

    def _live_message(self, asked: Request, interaction: discord.Interaction) -> DiscordLiveMessage:
        """Return the message that will hold the answer."""
        route = Route(self, interaction.user.id, interaction.followup, private=asked.private)
        message = message_at(self, asked.origin)
        return DiscordLiveMessage(message, asked.language, interaction.filesize_limit, route)

    @contextmanager
    def _track_task(self) -> Iterator[None]:
        """Keep the current task in `_tasks` while an interaction is being served, so that `close` can cancel it."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            yield
        finally:
            self._tasks.discard(task)

    async def _serve(self, request: Request, live: LiveMessage, interaction: discord.Interaction) -> None:
        with bound_contextvars(user=request.user, command=request.command):
            try:
                await serve(self._service, request, live, partial(self._resume, interaction=interaction))
            except Exception:
                log.exception("request failed")
                await show_failure(live, request.language)

    def _resume(self, job: Job, interaction: discord.Interaction | None = None) -> None:
        """Show the job in a task of its own. `interaction` is the one that created the job, if this run received it."""
        task = asyncio.create_task(self._resume_job(job, interaction))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _resume_job(self, job: Job, interaction: discord.Interaction | None) -> None:
        """Show the job once the servers are known, because a server's boosts decide how large a file may be."""
        await self.wait_until_ready()
        with bound_contextvars(user=job.user, job=job.id):
            try:
                await resume(self._service, job, await live_message_for(self, self._service, job, interaction))
            except Exception:
                log.exception("resuming a job failed")
