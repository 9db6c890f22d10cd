"""Files too large for a platform: compress them until they fit, or replace them by a download link."""

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
"""How long a download link is valid."""


async def fit_to_limit(card: Card, bound: int, language: Language, studio: AppContext) -> Card:
    """Return the card with files of at most `bound` bytes.

    The text says which files were compressed or replaced by a link. A file that can be neither stays as it is.
    """
    media, lines = list[Media](), [card.text]
    for file in card.media:
        fitted, line = (file, "") if file.bytes <= bound else await _fit_or_link(file, bound, language, studio)
        media += [fitted] if fitted else []
        lines += [line] if line else []
    return replace(card, media=tuple(media), text="\n".join(lines))


async def _fit_or_link(media: Media, bound: int, language: Language, studio: AppContext) -> tuple[Media | None, str]:
    """Return the file to send, or None if a link replaces it, and the line that tells the user."""
    smaller = await asyncio.to_thread(recompress_image, media, bound, studio.settings.bot.data_dir / "media")
    if smaller is not None:
        template = "Compressed from {size:bytes} to {small:bytes} to fit the limit of {bound:bytes}."
        return smaller, translate(template, language, size=media.bytes, small=smaller.bytes, bound=bound)
    url = await create_link(media, studio)
    if url is None:
        return media, ""
    template = "The file is {size:bytes}, too large to send here. Download it within 24 hours: {url}"
    return None, translate(template, language, size=media.bytes, url=url)


async def create_link(media: Media, studio: AppContext) -> str | None:
    """Return a link from which anyone can download the file for LINK_SECONDS; None without `web.public_url`."""
    web = studio.settings.web
    if not web.enabled or web.public_url is None:
        return None
    until, name = int(time.time()) + LINK_SECONDS, f"{media.sha256}{media.path.suffix}"
    key = (await Signer.of(studio.store)).sign("shared", name, str(until))
    return f"{web.public_url.rstrip('/')}/shared/{name}?until={until}&key={key}"


def verify_link(signer: Signer, name: str, until: str, key: str) -> bool:
    """Return whether `create_link` made the link and it has not expired. `until` is its Unix time of expiry."""
    return signer.verify(key, "shared", name, until) and int(until) > time.time()
