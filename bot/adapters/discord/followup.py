"""A message of its own for a job that was made together with others."""

from functools import partial

import discord
import structlog

from bot.adapters.discord.message import EXPIRED_TOKEN_CODES, retry_until_sent
from bot.adapters.discord.origin import message_at, origin_of
from bot.i18n.translate import language_of, translate
from engine.core.job import Job

log = structlog.get_logger()


async def post_followup(client: discord.Client, job: Job, interaction: discord.Interaction | None) -> str | None:
    """The origin that a new message is, in answer to the one at the job's; None where Discord refuses it."""
    words = translate("Starting…", language_of(job.language))
    try:
        return await retry_until_sent(partial(_post, client, job.origin, words, interaction))
    except discord.HTTPException as error:
        log.warning("not allowed to answer beside the question", origin=job.origin, why=str(error))
        return None


async def _post(client: discord.Client, origin: str, words: str, interaction: discord.Interaction | None) -> str:
    question = message_at(client, origin)
    if interaction is not None and interaction.message is not None and not interaction.is_expired():
        quiet = interaction.message.flags.ephemeral
        try:
            posted = await interaction.followup.send(words, wait=True, ephemeral=quiet)
            return origin_of(question.channel.id, posted.id)
        except discord.HTTPException as error:
            if error.code not in EXPIRED_TOKEN_CODES:
                raise
    answer = await question.channel.send(words, reference=question.to_reference(fail_if_not_exists=False))
    return origin_of(question.channel.id, answer.id)
