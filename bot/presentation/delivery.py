"""A file that a platform does not take is made to fit, or becomes a link, and the person is told which."""

import asyncio
import time
from dataclasses import replace

from bot.app import AppContext
from bot.i18n.translate import Language, translate
from bot.presentation.card import Card
from bot.presentation.recompress import recompress_image
from bot.presentation.signing import Signer
from engine.core.job import Media

LINK_SECONDS = 24 * 3600
"""How long a link is good."""


async def fit_to_limit(card: Card, bound: int, language: Language, studio: AppContext) -> Card:
    """The card with files of at most `bound` bytes; one that neither fits nor can be linked stays as it is."""
    media, lines = list[Media](), [card.text]
    for each in card.media:
        kept, line = (each, "") if each.bytes <= bound else await _fit_or_link(each, bound, language, studio)
        media += [kept] if kept else []
        lines += [line] if line else []
    return replace(card, media=tuple(media), text="\n".join(lines))


async def _fit_or_link(media: Media, bound: int, language: Language, studio: AppContext) -> tuple[Media | None, str]:
    smaller = await asyncio.to_thread(recompress_image, media, bound, studio.settings.bot.data_dir / "media")
    if smaller is not None:
        template = (
            "Re-encoded from {size:.1f} MB to {small:.1f} MB, since no more than {bound:.0f} MB can be sent here."
        )
        return smaller, translate(
            template, language, size=media.bytes / 1e6, small=smaller.bytes / 1e6, bound=bound / 1e6
        )
    url = await link(media, studio)
    if url is None:
        return media, ""
    template = "The file has {size:.0f} MB, too many to send here. For a day it is at {url}"
    return None, translate(template, language, size=media.bytes / 1e6, url=url)


async def link(media: Media, studio: AppContext) -> str | None:
    """Where the file can be fetched for LINK_SECONDS by whoever has the address; None without `web.public_url`."""
    web = studio.settings.web
    if not web.enabled or web.public_url is None:
        return None
    until, name = int(time.time()) + LINK_SECONDS, f"{media.sha256}{media.path.suffix}"
    key = (await Signer.of(studio.store)).sign("shared", name, str(until))
    return f"{web.public_url.rstrip('/')}/shared/{name}?until={until}&key={key}"


def verify_link(keys: Signer, name: str, until: str, key: str) -> bool:
    """Whether the address was made here and is still good."""
    return keys.verify(key, "shared", name, until) and int(until) > time.time()
