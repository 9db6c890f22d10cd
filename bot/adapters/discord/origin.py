"""Where an answer stands, as the text that a job keeps: `channel/message`."""

import discord


def origin_of(channel: int, message: int) -> str:
    return f"{channel}/{message}"


def message_at(client: discord.Client, origin: str) -> discord.PartialMessage:
    """The message, to be edited without having been seen: by this run of the bot or a later one."""
    channel, message = map(int, origin.split("/"))
    return client.get_partial_messageable(channel).get_partial_message(message)
