"""The content of a Discord message: a card's text, buttons and files."""

import re
from typing import Any

import discord

from bot.adapters.base import truncate
from bot.adapters.discord.buttons import build_view
from bot.presentation.card import Card
from bot.presentation.file_names import file_name
from engine.core.job import Media

TEXT_LENGTH, ALT_LENGTH = 2000, 1024
"""Characters of a message, and of a file's description, that Discord allows."""
_LINK = re.compile(r"<https?://[^\s<>]+>|https?://(?!discord\.com/channels/)[^\s<>]+", re.IGNORECASE)
"""A link, in angle brackets or not. Links to messages have no preview, and Discord shows them by their channel."""
_AFTER_LINK = ".,:;!?\"'])}"
"""Characters that end a sentence after a link. Discord does not count them to the link either."""


def format_text(text: str) -> str:
    """Return the text without formatting, with links that do not unfold, shortened to TEXT_LENGTH.

    A link in angle brackets has no preview: https://support.discord.com/hc/en-us/articles/206342858.
    """
    escaped = discord.utils.escape_markdown(text)
    bracket_characters = 2 * sum(not link[0].startswith("<") for link in _LINK.finditer(escaped))
    return _LINK.sub(_bracket, truncate(escaped, max(TEXT_LENGTH - bracket_characters, 1)))


def _bracket(match: re.Match[str]) -> str:
    link = match[0]
    if link.startswith("<"):
        return link
    end = len(link.rstrip(_AFTER_LINK))
    closing = end < len(link) and link[end] == ")" and link[:end].count("(") > link[:end].count(")")
    end += closing
    return f"<{link[:end]}>{link[end:]}"


def card_arguments(card: Card) -> dict[str, Any]:
    """Return the card as arguments of `send`, which closes the files. Each attempt needs new ones."""
    return {**text_arguments(card), "files": open_files(card)}


def text_arguments(card: Card) -> dict[str, Any]:
    """Return the card's text and buttons as arguments of `send` and `edit`."""
    return {"content": format_text(card.text), "view": build_view(card.buttons)}


def open_files(card: Card) -> list[discord.File]:
    """Return the card's files, which discord.py closes with the attempt that sends them."""
    return [_file(media, card.alt) for media in card.media]


def _file(media: Media, alt: str) -> discord.File:
    return discord.File(media.path, file_name(media, alt), description=truncate(alt, ALT_LENGTH) or None)
