"""Store files under the hash of their content, and tell their type and size."""

import contextlib
import hashlib
import mimetypes
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import filetype

from engine.core.job import Media
from engine.media.decoding import is_avif, is_heif, measure

FORMATS = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "bmp": "image/bmp",
    "avif": "image/avif",
    "heic": "image/heic",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "aac": "audio/aac",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "mkv": "video/x-matroska",
    "mov": "video/quicktime",
    "avi": "video/x-msvideo",
    "3gp": "video/3gpp",
}
"""MIME types of the supported pictures, audio and video, by the suffix that a file is stored under."""

KINDS = ("image", "sound", "video", "subtitles", "script")
"""The kinds of file that an option can accept. A GIF is an image."""
SUBTITLES = {"srt": "application/x-subrip", "vtt": "text/vtt", "ass": "text/x-ssa"}
"""MIME types of subtitles by suffix. They are text, so the file's name tells the format."""
SCRIPTS = {"txt": "text/plain", "md": "text/markdown", "toml": "application/toml", "fountain": "text/x-fountain"}
"""MIME types of film scripts by suffix. They are text, so the file's name tells the format."""

HEAD_BYTES = 8192
"""Number of bytes from a file's start that `sniff` needs."""

_ALIASES = {
    "apng": "png",
    "heif": "heic",
    "hif": "heic",
    "jpeg": "jpg",
    "m4v": "mp4",
    "oga": "ogg",
    "opus": "ogg",
}
_SUFFIXES = {mime: suffix for suffix, mime in FORMATS.items()}


def sniff(head: bytes) -> str | None:
    """Return the MIME type, one of `FORMATS`, of a file by its first `HEAD_BYTES` bytes, or None if it is unknown."""
    if is_heif(head):
        return FORMATS["heic"]
    if is_avif(head):
        return FORMATS["avif"]
    kind = filetype.guess(head)
    return _format(kind.extension) if kind else None


def mime_of_name(name: str) -> str | None:
    """Return the MIME type, one of `FORMATS`, that a file's name suggests, or None."""
    return _format(Path(name).suffix.lower().removeprefix("."))


def kinds_of_name(name: str) -> frozenset[str]:
    """Return the `KINDS` that a file of this name could be: an empty set for an unknown suffix."""
    mime = mime_of_name(name)
    if mime is not None:
        return frozenset({"image"} if mime.startswith("image/") else {"sound", "video"})
    suffix = Path(name).suffix.lower().removeprefix(".")
    return frozenset({"subtitles"} if suffix in SUBTITLES else {"script"} if suffix in SCRIPTS else ())


def suffix_of(mime: str) -> str:
    """Return the suffix, without its dot, for a MIME type of `FORMATS`."""
    return _SUFFIXES[mime]


def size_of(path: Path) -> tuple[int, int]:
    """Return a picture's width and height in pixels, with its EXIF orientation applied. Nothing is decoded.

    Raises ValueError for a damaged header.
    """
    return measure(path)


def hash_of(path: Path) -> str:
    """Return the SHA-256 of the file's content in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def keep(source: Path | bytes, folder: Path, suffix: str | None = None) -> Media:
    """Move the file, or write the bytes, to `folder/ab/abcdef….png`, named by the hash of the content.

    The content decides the type. `suffix`, such as ".srt", decides it where the content does not.
    """
    if isinstance(source, Path) and source.parent == folder / "parts":
        return _move_into_place(source, folder, suffix)  # a cancelled upload is deleted under this name
    with temporary_file(folder) as temporary:
        if isinstance(source, bytes):
            temporary.write_bytes(source)
        else:
            shutil.move(source, temporary)
        return _move_into_place(temporary, folder, suffix)


@contextlib.contextmanager
def temporary_file(folder: Path) -> Iterator[Path]:
    """Yield the path of a new file on the same file system as the media, so that it can be renamed into place.

    The file is deleted at the end unless it was moved.
    """
    parts = folder / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=parts)
    os.close(handle)
    path = Path(name)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def replace_with(path: Path, content: bytes) -> None:
    """Replace the content of the file at `path` atomically.

    After a crash or on a full disk the old file is still whole. Several writers do not disturb each other.
    """
    handle, name = tempfile.mkstemp(dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def is_intact(media: Media) -> bool:
    """Return whether the file still exists with the size and hash that `media` recorded."""
    try:
        return media.path.stat().st_size == media.bytes and hash_of(media.path) == media.sha256
    except FileNotFoundError:
        return False


def _format(suffix: str) -> str | None:
    return FORMATS.get(_ALIASES.get(suffix, suffix))


def _move_into_place(temporary: Path, folder: Path, suffix: str | None) -> Media:
    sha256 = hash_of(temporary)
    with temporary.open("rb") as file:
        found = sniff(file.read(HEAD_BYTES))
    ending = f".{suffix_of(found)}" if found else suffix or ""
    mime = (
        found
        or (SUBTITLES | SCRIPTS).get(ending.removeprefix("."))
        or mimetypes.guess_type(f"file{ending}")[0]
        or "application/octet-stream"
    )
    width, height = size_of(temporary) if found and found.startswith("image/") else (None, None)
    path = folder / sha256[:2] / f"{sha256}{ending}"
    path.parent.mkdir(exist_ok=True)
    size = temporary.stat().st_size
    temporary.replace(path)
    return Media(path=path, mime=mime, sha256=sha256, bytes=size, width=width, height=height)
