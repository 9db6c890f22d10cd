"""The files of Telegram messages, as they are known before they are downloaded."""

import mimetypes
from dataclasses import dataclass
from typing import Any, Self

from telegram import Message

from engine.media.files import FORMATS, suffix_of

SUFFIX_WITHOUT_TYPE = {"PhotoSize": "jpg", "VideoNote": "mp4", "Voice": "ogg", "Sticker": "webp"}
"""Suffixes of the kinds of file whose type Telegram need not say."""


@dataclass(frozen=True)
class SentFile:
    """A file in a message: Telegram's id of it, and a name whose suffix fits its type.

    `is_named` tells whether the file came with the name.
    """

    id: str
    name: str
    is_named: bool = False

    @classmethod
    def of(cls, message: Message | None) -> Self | None:
        """Return the file of a message (for a photo its largest size), or None if there is none."""
        attachment: Any = message.effective_attachment if message else None
        if isinstance(attachment, list | tuple):
            attachment = attachment[-1] if attachment else None
        if not hasattr(attachment, "file_id"):
            return None
        name = getattr(attachment, "file_name", None)
        return cls(attachment.file_id, name or _guess_filename(attachment), is_named=bool(name))


def _guess_filename(file: Any) -> str:
    """Return a name whose suffix fits the file's MIME type or its kind."""
    mime = getattr(file, "mime_type", None)
    if not mime:
        return f"file.{_suffix_without_type(file)}"
    suffix = suffix_of(mime) if mime in FORMATS.values() else (mimetypes.guess_extension(mime) or "").removeprefix(".")
    return f"file.{suffix}"


def _suffix_without_type(file: Any) -> str:
    """Return the suffix of a file without a MIME type. Stickers that move are WebM or Lottie files."""
    if getattr(file, "is_animated", False):
        return "tgs"
    return "webm" if getattr(file, "is_video", False) else SUFFIX_WITHOUT_TYPE.get(type(file).__name__, "jpg")
