"""Files that go to Telegram: what each may be sent as, and what may stand together."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from telegram import InputMediaAnimation, InputMediaDocument, InputMediaPhoto, InputMediaVideo
from telegram.constants import FileSizeLimit

from engine.core.job import Media

PHOTO_TYPES = ("image/jpeg", "image/png", "image/webp")
PHOTO_SIDES, PHOTO_RATIO = 10_000, 20
"""Pixels of width and height together, and how often one fits into the other: https://core.telegram.org/bots/api#sendphoto."""

Kind = Literal["photo", "video", "animation", "document"]
INPUTS: dict[Kind, Any] = {
    "photo": InputMediaPhoto,
    "video": InputMediaVideo,
    "animation": InputMediaAnimation,
    "document": InputMediaDocument,
}
SEEN: tuple[Kind, ...] = ("photo", "video")
"""What may stand in one album. Documents have albums of their own, and animations have none."""


def fits_photo(media: Media) -> bool:
    """Whether Telegram shows it as a picture."""
    if media.mime not in PHOTO_TYPES or media.bytes > FileSizeLimit.PHOTOSIZE_UPLOAD:
        return False
    width, height = media.width or 0, media.height or 0
    return 0 < width + height <= PHOTO_SIDES and max(width, height) <= PHOTO_RATIO * min(width, height)


def kind_of(media: Media) -> Kind:
    """What plays in the chat is sent to play there: an MP4 as a video, a GIF as an animation."""
    if fits_photo(media):
        return "photo"
    kinds: dict[str, Kind] = {"video/mp4": "video", "image/gif": "animation"}
    return kinds.get(media.mime, "document")


@dataclass(frozen=True)
class Upload:
    """A file read and ready to send as its `kind`. `shape` is what a video's player should know beforehand."""

    data: bytes
    name: str
    kind: Kind
    shape: dict[str, int]

    @classmethod
    async def of(cls, media: Media, kind: Kind) -> "Upload":
        data = await asyncio.to_thread(media.path.read_bytes)
        return cls(data, f"atelier-{media.sha256[:8]}{media.path.suffix}", kind, _shape(media, kind))

    def input(self, caption: str | None = None) -> Any:
        """An InputMedia."""
        return INPUTS[self.kind](self.data, caption=caption, filename=self.name, **self.shape)


async def uploads(media: tuple[Media, ...]) -> list[Upload]:
    """Pictures all as photos, or all as documents where one of them is too large: an album holds one kind."""
    kinds = [kind_of(one) for one in media]
    if any(kind == "document" and one.mime in PHOTO_TYPES for one, kind in zip(media, kinds, strict=True)):
        kinds = ["document" if kind == "photo" else kind for kind in kinds]
    return [await Upload.of(one, kind) for one, kind in zip(media, kinds, strict=True)]


def albums(made: Sequence[Upload], most: int) -> list[list[Upload]]:
    """In order, at most `most` together, and together only what Telegram lets stand in one album."""
    found: list[list[Upload]] = []
    for parcel in made:
        if found and len(found[-1]) < most and _stand_together(found[-1][-1].kind, parcel.kind):
            found[-1].append(parcel)
        else:
            found.append([parcel])
    return found


def _stand_together(one: Kind, other: Kind) -> bool:
    return (one in SEEN and other in SEEN) or one == other == "document"


def _shape(media: Media, kind: Kind) -> dict[str, int]:
    if kind not in ("video", "animation"):
        return {}
    known = {"width": media.width, "height": media.height, "duration": media.seconds}
    shape = {name: max(1, round(value)) for name, value in known.items() if value}
    return {**shape, "supports_streaming": True} if kind == "video" else shape
