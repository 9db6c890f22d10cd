"""The invitation link of the bot, and its welcome in a server that it joins."""

import discord
import structlog

from bot.i18n.translate import language_of, translate

log = structlog.get_logger()

SCOPES = ("bot", "applications.commands")
PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    embed_links=True,
    attach_files=True,
    read_message_history=True,
)
"""What the bot needs to post results, also in reply to a message, when the fifteen minutes of a command are over."""

WELCOME = (
    "Hello! I draw pictures and make videos from your words. Try /imagine prompt:a castle at night, and /help for "
    "everything else."
)
LIMITING = (
    "To choose who may use me and in which channels, open Server Settings, then Integrations, and choose {name} there."
)


def invitation_url(application: int) -> str:
    """Return the link by which a person adds the bot to a server."""
    return discord.utils.oauth_url(application, scopes=SCOPES, permissions=PERMISSIONS)


async def post_welcome(guild: discord.Guild) -> None:
    """Say in the server's system channel what the bot does. Say nothing where it may not write."""
    channel = guild.system_channel
    if channel is None or not _may_write(channel):
        return
    language = language_of(str(guild.preferred_locale))
    text = f"{translate(WELCOME, language)}\n{translate(LIMITING, language, name=guild.me.display_name)}"
    try:
        await channel.send(text)
    except discord.HTTPException as error:
        log.info("no welcome in the server", guild=guild.id, why=str(error))


def _may_write(channel: discord.TextChannel) -> bool:
    allowed = channel.permissions_for(channel.guild.me)
    return allowed.view_channel and allowed.send_messages
