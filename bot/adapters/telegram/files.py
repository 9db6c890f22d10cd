"""Prepare files for Telegram: how each is sent, and which of them share an album."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from telegram import InputMediaAnimation, InputMediaDocument, InputMediaPhoto, InputMediaVideo
from telegram.constants import FileSizeLimit

from bot.adapters.telegram.previews import loses_as_photo, render_preview
from engine.core.job import Media

PHOTO_TYPES = ("image/jpeg", "image/png", "image/webp")
"""MIME types that Telegram shows as photos."""
MAX_PHOTO_SIDES_PIXELS, MAX_PHOTO_RATIO = 10_000, 20
"""The largest sum of a photo's width and height, and the largest ratio of one to the other:
https://core.telegram.org/bots/api#sendphoto.
"""

Kind = Literal["photo", "video", "animation", "document"]
"""How a file is sent; also the name of the Bot API method, as in `send_photo`."""
INPUT_MEDIA: dict[Kind, Any] = {
    "photo": InputMediaPhoto,
    "video": InputMediaVideo,
    "animation": InputMediaAnimation,
    "document": InputMediaDocument,
}
"""The class that describes a file of each kind to the Bot API."""
VISUAL_KINDS: tuple[Kind, ...] = ("photo", "video")
"""Kinds that may share an album. Documents only share albums with documents; animations cannot be in one."""


def fits_photo(media: Media) -> bool:
    """Return whether Telegram accepts the file as a photo."""
    if media.mime not in PHOTO_TYPES or media.bytes > FileSizeLimit.PHOTOSIZE_UPLOAD:
        return False
    return 0 < (media.width or 0) + (media.height or 0) <= MAX_PHOTO_SIDES_PIXELS and _has_photo_ratio(media)


def _has_photo_ratio(media: Media) -> bool:
    """Return whether the picture is not too long and narrow for a photo."""
    width, height = media.width or 0, media.height or 0
    return max(width, height) <= MAX_PHOTO_RATIO * min(width, height)


def kind_of(media: Media) -> Kind:
    """Return the kind that lets the file play in the chat: video for an MP4, animation for a GIF. Return "document" if
    none does.
    """
    if fits_photo(media):
        return "photo"
    kinds: dict[str, Kind] = {"video/mp4": "video", "image/gif": "animation"}
    return kinds.get(media.mime, "document")


@dataclass(frozen=True)
class Upload:
    """A file that has been read and is ready to be sent as its `kind`. `player_hints` tells the player its size and
    duration.
    """

    data: bytes
    name: str
    kind: Kind
    player_hints: dict[str, int]

    @classmethod
    async def of(cls, media: Media, kind: Kind) -> "Upload":
        """Read the file in a thread."""
        data = await asyncio.to_thread(media.path.read_bytes)
        return cls(data, f"atelier-{media.sha256[:8]}{media.path.suffix}", kind, _player_hints(media, kind))

    @classmethod
    async def preview_of(cls, media: Media) -> "Upload":
        """Return a photo that shows the picture, rendered in a thread."""
        data = await asyncio.to_thread(render_preview, media)
        return cls(data, f"atelier-{media.sha256[:8]}-preview.jpg", "photo", {})

    def input(self, caption: str | None = None) -> Any:
        """Return the file as an InputMedia."""
        return INPUT_MEDIA[self.kind](self.data, caption=caption, filename=self.name, **self.player_hints)


async def read_uploads(media: tuple[Media, ...], *, exact: bool = False) -> list[Upload]:
    """Read the files in order. A picture that would suffer as a photo is shown by a preview, and follows as a document
    after all the others.

    Every picture would if the result is `exact`.
    """
    shown: list[Upload] = []
    originals: list[Upload] = []
    for one in media:
        if one.mime in PHOTO_TYPES and (exact or await asyncio.to_thread(_suffers_as_photo, one)):
            shown += [await Upload.preview_of(one)] if _has_photo_ratio(one) else []
            originals.append(await Upload.of(one, "document"))
        else:
            shown.append(await Upload.of(one, kind_of(one)))
    return [*shown, *originals]


def _suffers_as_photo(media: Media) -> bool:
    """Return whether Telegram refuses the picture as a photo, shrinks it, or drops its transparency."""
    return not fits_photo(media) or loses_as_photo(media)


def group_albums(uploads: Sequence[Upload], max_files: int) -> list[list[Upload]]:
    """Return the uploads in order, grouped into albums of at most `max_files` that Telegram sends together."""
    albums: list[list[Upload]] = []
    for upload in uploads:
        if albums and len(albums[-1]) < max_files and _share_album(albums[-1][-1].kind, upload.kind):
            albums[-1].append(upload)
        else:
            albums.append([upload])
    return albums


def _share_album(one: Kind, other: Kind) -> bool:
    return (one in VISUAL_KINDS and other in VISUAL_KINDS) or one == other == "document"


def _player_hints(media: Media, kind: Kind) -> dict[str, int]:
    """Return the width and height in pixels and the duration in seconds, as far as they are known."""
    if kind not in ("video", "animation"):
        return {}
    known = {"width": media.width, "height": media.height, "duration": media.seconds}
    shape = {name: max(1, round(value)) for name, value in known.items() if value}
    return {**shape, "supports_streaming": True} if kind == "video" else shape
