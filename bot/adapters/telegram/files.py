"""Files that go to Telegram: what each may be sent as."""

import asyncio
from dataclasses import dataclass
from typing import Any

from telegram import InputMediaDocument, InputMediaPhoto
from telegram.constants import FileSizeLimit

from engine.job import Media

PHOTO_TYPES = ("image/jpeg", "image/png", "image/webp")
PHOTO_SIDES, PHOTO_RATIO = 10_000, 20
"""Pixels of width and height together, and how often one fits into the other: https://core.telegram.org/bots/api#sendphoto."""


def fits_photo(media: Media) -> bool:
    """Whether Telegram shows it as a picture; anything else goes as a document."""
    if media.mime not in PHOTO_TYPES or media.bytes > FileSizeLimit.PHOTOSIZE_UPLOAD:
        return False
    width, height = media.width or 0, media.height or 0
    return 0 < width + height <= PHOTO_SIDES and max(width, height) <= PHOTO_RATIO * min(width, height)


@dataclass(frozen=True)
class Parcel:
    """A file read and ready to send, as a photo or as a document."""

    data: bytes
    name: str
    photo: bool

    @classmethod
    async def of(cls, media: Media, *, photo: bool) -> "Parcel":
        data = await asyncio.to_thread(media.path.read_bytes)
        return cls(data, f"atelier-{media.sha256[:8]}{media.path.suffix}", photo)

    def input(self, caption: str | None = None) -> InputMediaPhoto | InputMediaDocument:
        kind: Any = InputMediaPhoto if self.photo else InputMediaDocument
        return kind(self.data, caption=caption, filename=self.name)  # type: ignore[no-any-return]  # one of two classes


async def parcels(media: tuple[Media, ...]) -> list[Parcel]:
    """All as photos, or all as documents where one does not fit: an album holds one kind."""
    photo = all(fits_photo(one) for one in media)
    return [await Parcel.of(one, photo=photo) for one in media]
