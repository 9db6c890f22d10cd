"""The message that shows a job without a request: one that an earlier run left, or one created along with others."""

import discord

from bot.adapters.discord.followup import post_followup
from bot.adapters.discord.message import DiscordLiveMessage
from bot.adapters.discord.origin import file_bytes_at, is_followup, message_at
from bot.adapters.discord.route import Route
from bot.i18n.translate import language_of
from bot.requests.service import Service
from engine.core.job import Job


async def live_message_for(
    client: discord.Client, service: Service, job: Job, interaction: discord.Interaction | None
) -> DiscordLiveMessage:
    """Return the message that shows the job. Post it first for a job that still needs a message of its own.

    `interaction` is the one that created the job, if this run received it.
    """
    message = message_at(client, job.origin)
    file_bytes = interaction.filesize_limit if interaction else file_bytes_at(client, message)
    webhook = await _webhook_for(client, service, job)
    posted = await post_followup(client, job, webhook) if is_followup(job.origin) else None
    if posted is not None:
        await service.set_origin(job.id, posted.origin)
        message = message_at(client, posted.origin)
    if posted is not None and not posted.by_token:
        await service.studio.store.delete_reply_token(job.id)
        webhook = None
    route = Route(client, int(job.user.partition(":")[2]), webhook, private=job.private)
    return DiscordLiveMessage(message, language_of(job.language), file_bytes, route)


async def _webhook_for(client: discord.Client, service: Service, job: Job) -> discord.Webhook | None:
    """Return what answers by the token of the job's interaction, which an earlier run may have received."""
    token = await service.studio.store.reply_token(job.id)
    return discord.Webhook.partial(client.application_id or 0, token, client=client) if token else None
