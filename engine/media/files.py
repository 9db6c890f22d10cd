"""Files named by their content: what a file is, how large its picture is, where it is kept, whether it is whole."""

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
from engine.media.decoding import is_heif, measure

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
"""What is read here, by the suffix that it is kept under."""

KINDS = ("image", "sound", "video", "subtitles", "script")
"""What an option may say that it accepts. A GIF is a picture."""
SUBTITLES = {"srt": "application/x-subrip", "vtt": "text/vtt", "ass": "text/x-ssa"}
"""Formats of subtitles, by suffix: text, known by the file's name and by being read."""
SCRIPTS = {"txt": "text/plain", "md": "text/markdown", "toml": "application/toml", "fountain": "text/x-fountain"}
"""Formats of a film's script, by suffix: text, known by the file's name."""

HEAD_BYTES = 8192
"""Bytes from a file's start that tell its format."""

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
    """The MIME type that a file's first `HEAD_BYTES` bytes tell, one of `FORMATS`; its name has no say."""
    if is_heif(head):
        return FORMATS["heic"]
    kind = filetype.guess(head)
    return _format(kind.extension) if kind else None


def mime_of_name(name: str) -> str | None:
    """The MIME type, one of `FORMATS`, that a file's name promises."""
    return _format(Path(name).suffix.lower().removeprefix("."))


def kinds_of_name(name: str) -> frozenset[str]:
    """The `KINDS` that a file of this name may be; none where the name tells nothing."""
    mime = mime_of_name(name)
    if mime is not None:
        return frozenset({"image"} if mime.startswith("image/") else {"sound", "video"})
    suffix = Path(name).suffix.lower().removeprefix(".")
    return frozenset({"subtitles"} if suffix in SUBTITLES else {"script"} if suffix in SCRIPTS else ())


def suffix_of(mime: str) -> str:
    """The suffix, without its dot, that a file of one of `FORMATS` is kept under."""
    return _SUFFIXES[mime]


def size_of(path: Path) -> tuple[int, int]:
    """Return width and height in pixels, as the picture is seen once turned as its EXIF says; nothing is decoded.

    Raises ValueError for a damaged header.
    """
    return measure(path)


def hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def keep(source: Path | bytes, folder: Path, suffix: str | None = None) -> Media:
    """Move the file, or write the bytes, to `folder/ab/abcdef….png`, named by the hash of the content.

    The type is what the content tells; `suffix`, such as ".srt", tells it where that is silent.
    """
    with temporary_file(folder) as temporary:
        if isinstance(source, bytes):
            temporary.write_bytes(source)
        else:
            shutil.move(source, temporary)
        return _settle(temporary, folder, suffix)


@contextlib.contextmanager
def temporary_file(folder: Path) -> Iterator[Path]:
    """A file to write to, beside the media so that it moves there at once; gone at the end if it was not moved."""
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
    """The file at `path` anew: all of it or, on a full disk or in a crash, the old one, whoever else writes it now."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def is_intact(media: Media) -> bool:
    """Whether the file is there with the size and the content it had."""
    try:
        return media.path.stat().st_size == media.bytes and hash_of(media.path) == media.sha256
    except FileNotFoundError:
        return False


def _format(suffix: str) -> str | None:
    return FORMATS.get(_ALIASES.get(suffix, suffix))


def _settle(temporary: Path, folder: Path, suffix: str | None) -> Media:
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
