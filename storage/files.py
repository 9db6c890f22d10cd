"""The media folder: fetch users' files within bounds, check their content, store them by its hash, delete old ones."""

import asyncio
import codecs
import contextlib
import errno
import math
import shutil
import time
from collections.abc import Callable, Collection, Container
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.core.errors import BadInput, TooLarge, disk_full
from engine.core.job import Media
from engine.media.decoding import check_picture
from engine.media.files import (
    FORMATS,
    HEAD_BYTES,
    SCRIPTS,
    SUBTITLES,
    hash_of,
    is_intact,
    keep,
    mime_of_name,
    size_of,
    sniff,
    suffix_of,
    temporary_file,
)
from engine.media.video import ProbeLimits, probe, with_dimensions
from storage.download import Download

WIDE_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


class Attachment(Protocol):
    """A file that a user sent, either at a `url` or on this disk at a `path`."""

    @property
    def name(self) -> str:
        """The file name, as the user or the platform wrote it."""

    @property
    def size(self) -> int | None:
        """The number of bytes that the platform announced, or None."""

    @property
    def url(self) -> str | None:
        """Where to download the file."""

    @property
    def path(self) -> Path | None:
        """Where the file is on this disk."""


@dataclass(frozen=True)
class Pruned:
    """The number of deleted files, and of their bytes."""

    files: int
    bytes: int


class Files:
    """The media folder, with the bounds of the files that users send.

    `max_bytes` limits any file, `max_pixels` a picture or a video frame, `max_seconds` and `max_frames` audio and
    video, and `timeout` is the number of seconds for a download.
    """

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        max_pixels: int,
        timeout: float = 60,
        *,
        max_seconds: float = 1800,
        max_frames: int = 200_000,
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._max_pixels = max_pixels
        self._bounds = ProbeLimits(max_seconds, max_frames, max_pixels)
        self._timeout = timeout

    async def fetch(
        self,
        option: str,
        attachment: Attachment,
        accepts: Collection[str] = (),
        claim: Callable[[str], None] = lambda _: None,
    ) -> Media:
        """Fetch a file, check it, and store it under its hash. A refused file leaves nothing behind.

        `accepts` are the kinds of `engine.media.files.KINDS` that the option accepts; if empty, all except texts.
        `claim` is called with the file's SHA-256 before the file is in place. Raises BadInput for a file that does not
        arrive complete, has an unknown format, a misleading name or a kind that is not accepted; TooLarge; DiskFull.
        """
        try:
            return await self._fetch(option, attachment, accepts, claim)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise disk_full() from error
            raise

    def free(self) -> int:
        """Return the number of free bytes on the disk of the media folder."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(self._folder).free

    def paths(self, sha256: str) -> list[Path]:
        """Return the paths of the files with this content. They differ in their suffixes."""
        return list((self._folder / sha256[:2]).glob(f"{sha256}*"))

    async def _fetch(
        self, option: str, attachment: Attachment, accepts: Collection[str], claim: Callable[[str], None]
    ) -> Media:
        download = Download(option, display_name(attachment.name), self._max_bytes, self._timeout)
        download.check_size(attachment.size)
        with temporary_file(self._folder) as path:
            if attachment.path is not None:
                download.check_size((await asyncio.to_thread(attachment.path.stat)).st_size)
                await asyncio.to_thread(shutil.copyfile, attachment.path, path)
            else:
                await download.run(attachment.url or "", path, attachment.size)
            claim(await asyncio.to_thread(hash_of, path))
            return await asyncio.to_thread(self._check_and_store, option, attachment.name, path, accepts)

    def intact(self, media: Media) -> bool:
        """Return whether the file exists and still has the content of its hash."""
        return is_intact(media)

    async def prune(self, keep: Container[str], older_than: float) -> Pruned:
        """Delete files older than `older_than` seconds whose SHA-256 is not in `keep`.

        Partial files that a crash left behind are deleted too.
        """
        return await asyncio.to_thread(self._prune, keep, time.time() - older_than)

    def _check_and_store(self, option: str, name: str, path: Path, accepts: Collection[str]) -> Media:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        mime = sniff(head)
        if mime is None and (suffix := _text_suffix(name, head, accepts)):
            return keep(path, self._folder, suffix)
        if accepts and set(accepts) <= {"subtitles", "script"}:
            raise _kind_error(option, name, accepts)
        mime = _check_format(option, name, mime)
        if mime.startswith("image/"):
            _check_kind(option, name, "image", accepts)
            self._check_pixels(option, name, path)
            return keep(path, self._folder)
        if accepts and not {"sound", "video"} & set(accepts):
            raise _kind_error(option, name, accepts)
        contents = probe(path, mime, self._bounds)
        _check_kind(option, name, "video" if contents.video else "sound", accepts)
        return with_dimensions(keep(path, self._folder), contents)

    def _check_pixels(self, option: str, name: str, path: Path) -> None:
        try:
            width, height = size_of(path)
        except ValueError:
            raise BadInput(
                "{option}: “{name}” is damaged: its size cannot be read. Attach another picture.",
                option=option,
                name=display_name(name),
            ) from None
        if width * height > self._max_pixels:
            raise TooLarge(
                "{option}: “{name}” is {width} x {height} pixels; the limit is {bound:,} in all, for example"
                " {side} x {side}. Make it smaller.",
                option=option,
                name=display_name(name),
                width=width,
                height=height,
                bound=self._max_pixels,
                side=math.isqrt(self._max_pixels),
            )
        check_picture(path, option, self._max_pixels)

    def _prune(self, keep: Container[str], before: float) -> Pruned:
        files = size = 0
        for path in self._folder.glob("*/*"):
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                if status.st_mtime < before and path.stem not in keep:
                    path.unlink()
                    files, size = files + 1, size + status.st_size
        return Pruned(files, size)


def display_name(name: str) -> str:
    """Return a file name as messages show it: printable characters only, at most 60."""
    name = "".join(letter for letter in name if letter.isprintable())
    return name if len(name) <= 60 else name[:59] + "…"


_WRONG_KIND = {
    frozenset({"image"}): "{option}: “{name}” is not a picture. Attach a picture.",
    frozenset({"sound"}): "{option}: “{name}” is not audio. Attach an audio file.",
    frozenset({"video"}): "{option}: “{name}” is not a video. Attach a video.",
    frozenset({"sound", "video"}): "{option}: “{name}” is neither audio nor a video. Attach one of these.",
    frozenset({"image", "video"}): "{option}: “{name}” is neither a picture nor a video. Attach one of these.",
    frozenset({"script"}): "{option}: “{name}” is not a script. Attach a .txt, .md, .toml or .fountain file.",
    frozenset({"subtitles"}): "{option}: “{name}” is not a subtitle file. Attach an SRT or VTT file.",
}
"""The error message for each set of accepted kinds."""


def _kind_error(option: str, name: str, accepts: Collection[str]) -> BadInput:
    return BadInput(_WRONG_KIND[frozenset(accepts)], option=option, name=display_name(name))


def _check_kind(option: str, name: str, kind: str, accepts: Collection[str]) -> None:
    if accepts and kind not in accepts:
        raise _kind_error(option, name, accepts)


def _text_suffix(name: str, head: bytes, accepts: Collection[str]) -> str | None:
    """Return the suffix of a file of text, if it is named as subtitles and has cue times, or is named as a script.

    `head` is the file's beginning, in any encoding: zero bytes belong to UTF-16 and UTF-32, and to no other text.
    """
    suffix = Path(name).suffix.lower()
    bare, text = suffix.removeprefix("."), head.replace(b"\0", b"")
    is_wide = b"\0" in head and (head.startswith(WIDE_BOMS) or 2 * head.count(b"\0") >= len(head) - 1)
    timed = "subtitles" in accepts and bare in SUBTITLES and b"-->" in text
    is_text = is_wide or b"\0" not in head
    return suffix if is_text and (timed or ("script" in accepts and bare in SCRIPTS)) else None


def _check_format(option: str, name: str, mime: str | None) -> str:
    """Return the MIME type, which the content decides, and raise BadInput if it is unknown or the name is misleading.

    A PNG may be named .jpg, but a picture may not be named as audio.
    """
    named = mime_of_name(name)
    if named is not None and (mime is None or _kind(mime) != _kind(named)):
        raise BadInput(
            "{option}: “{name}” is named as {format}, but its content is something else. Attach the original file.",
            option=option,
            name=display_name(name),
            format=suffix_of(named),
        )
    if mime is None:
        raise BadInput(
            "{option}: “{name}” is not a picture, audio or video in a supported format. Attach one of: {formats}.",
            option=option,
            name=display_name(name),
            formats=", ".join(FORMATS),
        )
    return mime


def _kind(mime: str) -> str:
    """Return "image" or "recording". Audio and video share containers, so they are not told apart."""
    return "image" if mime.startswith("image/") else "recording"
