"""Where an answer stands, as the text that a job keeps: `channel/message`, or `channel/message/beside`."""

import discord

FOLLOWUP = "beside"


def origin_of(channel: int, message: int) -> str:
    return f"{channel}/{message}"


def followup_origin_of(channel: int, message: int) -> str:
    """The origin of an answer that is still to be posted, in answer to the message."""
    return f"{origin_of(channel, message)}/{FOLLOWUP}"


def is_followup(origin: str) -> bool:
    return origin.endswith(f"/{FOLLOWUP}")


def message_at(client: discord.Client, origin: str) -> discord.PartialMessage:
    """The message, to be edited without having been seen: by this run of the bot or a later one."""
    channel, message, *_ = origin.split("/")
    return client.get_partial_messageable(int(channel)).get_partial_message(int(message))


def file_bytes_at(client: discord.Client, message: discord.PartialMessage) -> int:
    """What a file may weigh there: more in a server that is boosted."""
    channel = client.get_channel(message.channel.id)
    guild = getattr(channel, "guild", None)
    return guild.filesize_limit if guild else discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES
