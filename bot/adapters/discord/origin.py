"""The origin that a job stores: `channel/message`, or `channel/message/beside` for an answer that is still to be
posted.
"""

import discord

FOLLOWUP_SUFFIX, PRIVATE_FOLLOWUP_SUFFIX = "beside", "beside-private"
"""The last part of the origin of a job whose own message is still to be posted: for everybody in the channel, or for
the person alone. Stored with jobs.
"""


def origin_of(channel: int, message: int) -> str:
    """Return the origin of a message that exists."""
    return f"{channel}/{message}"


def followup_origin_of(channel: int, message: int, *, ephemeral: bool) -> str:
    """Return the origin of an answer that is still to be posted, in reply to this message."""
    return f"{origin_of(channel, message)}/{PRIVATE_FOLLOWUP_SUFFIX if ephemeral else FOLLOWUP_SUFFIX}"


def is_followup(origin: str) -> bool:
    """Return whether the job's own message is still to be posted."""
    return origin.endswith((f"/{FOLLOWUP_SUFFIX}", f"/{PRIVATE_FOLLOWUP_SUFFIX}"))


def is_ephemeral_followup(origin: str) -> bool:
    """Return whether only the person may see the message that is still to be posted."""
    return origin.endswith(f"/{PRIVATE_FOLLOWUP_SUFFIX}")


def message_at(client: discord.Client, origin: str) -> discord.PartialMessage:
    """Return the message at `origin` without fetching it, so that a later run of the bot can edit it too."""
    channel, message, *_ = origin.split("/")
    return client.get_partial_messageable(int(channel)).get_partial_message(int(message))


def file_bytes_at(client: discord.Client, message: discord.PartialMessage) -> int:
    """Return how many bytes a file may have in the message's channel. Boosted servers allow more."""
    channel = client.get_channel(message.channel.id)
    guild = getattr(channel, "guild", None)
    return guild.filesize_limit if guild else discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES
