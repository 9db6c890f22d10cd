"""Post a separate message for a job that was created together with others."""

from functools import partial

import discord
import structlog

from bot.adapters.discord.message import EXPIRED_TOKEN_CODES, retry_until_sent
from bot.adapters.discord.origin import message_at, origin_of
from bot.i18n.translate import language_of, translate
from engine.core.job import Job

log = structlog.get_logger()


async def post_followup(client: discord.Client, job: Job, interaction: discord.Interaction | None) -> str | None:
    """Post a new message in reply to the one at the job's origin, and return its origin. Return None where Discord
    forbids it.
    """
    text = translate("Starting…", language_of(job.language))
    try:
        return await retry_until_sent(partial(_post, client, job.origin, text, interaction))
    except discord.HTTPException as error:
        log.warning("not allowed to post a follow-up message", origin=job.origin, why=str(error))
        return None


async def _post(client: discord.Client, origin: str, text: str, interaction: discord.Interaction | None) -> str:
    """Post the message by the interaction's token while that is valid, else as a normal reply. Return its origin."""
    request_message = message_at(client, origin)
    if interaction is not None and interaction.message is not None and not interaction.is_expired():
        ephemeral = interaction.message.flags.ephemeral
        try:
            posted = await interaction.followup.send(text, wait=True, ephemeral=ephemeral)
            return origin_of(request_message.channel.id, posted.id)
        except discord.HTTPException as error:
            if error.code not in EXPIRED_TOKEN_CODES:
                raise
    answer = await request_message.channel.send(text, reference=request_message.to_reference(fail_if_not_exists=False))
    return origin_of(request_message.channel.id, answer.id)
