"""Post a separate message for a job that was created together with others."""

from dataclasses import dataclass
from functools import partial

import discord
import structlog

from bot.adapters.discord.origin import is_ephemeral_followup, message_at, origin_of
from bot.adapters.discord.route import RETRYABLE_ERRORS, retry_until_sent
from bot.i18n.translate import language_of, translate
from engine.core.job import Job

log = structlog.get_logger()


@dataclass(frozen=True)
class Followup:
    """A posted message. Discord edits a message that was posted `by_token` only by that token."""

    origin: str
    by_token: bool


async def post_followup(client: discord.Client, job: Job, webhook: discord.Webhook | None) -> Followup | None:
    """Post a new message in reply to the one at the job's origin. Return None where Discord forbids it, or does not
    confirm a message that can be posted only once.
    """
    text = translate("Starting…", language_of(job.language))
    try:
        if not is_ephemeral_followup(job.origin):
            return await retry_until_sent(partial(_post_in_channel, client, job, text))
    except discord.HTTPException as error:
        log.info("no follow-up message in the channel", origin=job.origin, why=str(error))
    return await _post_by_token(message_at(client, job.origin), job, text, webhook)


async def _post_in_channel(client: discord.Client, job: Job, text: str) -> Followup:
    """Post the message as a reply. The nonce makes Discord return the same message if it is sent again."""
    request_message = message_at(client, job.origin)
    reference = request_message.to_reference(fail_if_not_exists=False)
    answer = await request_message.channel.send(text, reference=reference, nonce=job.id)
    return Followup(origin_of(request_message.channel.id, answer.id), by_token=False)


async def _post_by_token(
    request_message: discord.PartialMessage, job: Job, text: str, webhook: discord.Webhook | None
) -> Followup | None:
    """Post the message by the interaction's token, once: Discord takes no nonce there."""
    if webhook is None:
        return None
    try:
        posted = await webhook.send(text, wait=True, ephemeral=is_ephemeral_followup(job.origin))
    except (discord.HTTPException, *RETRYABLE_ERRORS) as error:
        log.warning("no follow-up message", origin=job.origin, why=str(error))
        return None
    return Followup(origin_of(request_message.channel.id, posted.id), by_token=True)
