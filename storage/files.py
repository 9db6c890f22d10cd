"""People's files: fetched within bounds, known by their content, kept by its hash, pruned by age."""

import asyncio
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
    intact,
    keep,
    mime_of_name,
    size_of,
    sniff,
    suffix_of,
    temporary_file,
)
from engine.media.video import ProbeLimits, probe, with_dimensions
from storage.download import Download


class Attachment(Protocol):
    """A file that a person sent: at `url`, or on this disk at `path`; `size` is what the platform says of it."""

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int | None: ...
    @property
    def url(self) -> str | None: ...
    @property
    def path(self) -> Path | None: ...


@dataclass(frozen=True)
class Pruned:
    """How many files went, and their bytes."""

    files: int
    bytes: int


class Files:
    """The media folder. `max_bytes` bounds a file, `max_pixels` a picture or a frame, `timeout` in seconds a download.

    `max_seconds` and `max_frames` bound a sound or a video.
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
        """Bring the file here and look at it: nothing of it stays where it is refused.

        `claim` is told the file's SHA-256 before the file is put in its place.
        `accepts` are the kinds of `engine.media.files.KINDS` that the option takes; all but texts where it is empty.
        Raises BadInput for what does not arrive whole, is no format of ours, not the one it is named or not of a kind
        that is accepted, TooLarge, and DiskFull.
        """
        try:
            return await self._fetch(option, attachment, accepts, claim)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise disk_full() from error
            raise

    def free(self) -> int:
        """Bytes that the disk has left for media."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(self._folder).free

    def paths(self, sha256: str) -> list[Path]:
        """Return where files of this content are kept; the suffix says as what."""
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
            return await asyncio.to_thread(self._settle, option, attachment.name, path, accepts)

    def intact(self, media: Media) -> bool:
        return intact(media)

    async def prune(self, keep: Container[str], older_than: float) -> Pruned:
        """Delete files older than `older_than` seconds whose SHA-256 is not in `keep`, and parts that a crash left."""
        return await asyncio.to_thread(self._prune, keep, time.time() - older_than)

    def _settle(self, option: str, name: str, path: Path, accepts: Collection[str]) -> Media:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        mime = sniff(head)
        if mime is None and (suffix := _text(name, head, accepts)):
            return keep(path, self._folder, suffix)
        if accepts and set(accepts) <= {"subtitles", "script"}:
            raise _unfit(option, name, accepts)
        mime = _checked_format(option, name, mime)
        if mime.startswith("image/"):
            _check_kind(option, name, "image", accepts)
            self._check_pixels(option, name, path)
            return keep(path, self._folder)
        if accepts and not {"sound", "video"} & set(accepts):
            raise _unfit(option, name, accepts)
        found = probe(path, mime, self._bounds)
        _check_kind(option, name, "video" if found.video else "sound", accepts)
        return with_dimensions(keep(path, self._folder), found)

    def _check_pixels(self, option: str, name: str, path: Path) -> None:
        try:
            width, height = size_of(path)
        except ValueError:
            raise BadInput(
                "{option}: “{name}” is damaged, its size cannot be read. Attach another picture.",
                option=option,
                name=display_name(name),
            ) from None
        if width * height > self._max_pixels:
            raise TooLarge(
                "{option}: “{name}” is {width} x {height} pixels; at most {bound} pixels are allowed, such as"
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
                found = path.stat()
                if found.st_mtime < before and path.stem not in keep:
                    path.unlink()
                    files, size = files + 1, size + found.st_size
        return Pruned(files, size)


def display_name(name: str) -> str:
    """A file's name as a sentence shows it."""
    name = "".join(letter for letter in name if letter.isprintable())
    return name if len(name) <= 60 else name[:59] + "…"


_TAKES = {
    frozenset({"image"}): "{option} takes a picture, and “{name}” is none. Attach a picture.",
    frozenset({"sound"}): "{option} takes a sound, and “{name}” is none. Attach a sound.",
    frozenset({"video"}): "{option} takes a video, and “{name}” is none. Attach a video.",
    frozenset({"sound", "video"}): "{option} takes a sound or a video, and “{name}” is neither. Attach one.",
    frozenset({"image", "video"}): "{option} takes a picture or a video, and “{name}” is neither. Attach one.",
    frozenset({"script"}): "{option} takes a script, .txt, .md, .toml or .fountain, and “{name}” is none. Attach one.",
    frozenset({"subtitles"}): "{option} takes subtitles as an SRT or VTT file, and “{name}” is none. Attach one.",
}


def _unfit(option: str, name: str, accepts: Collection[str]) -> BadInput:
    return BadInput(_TAKES[frozenset(accepts)], option=option, name=display_name(name))


def _check_kind(option: str, name: str, kind: str, accepts: Collection[str]) -> None:
    if accepts and kind not in accepts:
        raise _unfit(option, name, accepts)


def _text(name: str, head: bytes, accepts: Collection[str]) -> str | None:
    """The suffix of a file that is named as subtitles and holds text with times, as those have, or as a script."""
    suffix = Path(name).suffix.lower()
    bare = suffix.removeprefix(".")
    timed = "subtitles" in accepts and bare in SUBTITLES and b"-->" in head
    return suffix if (timed or ("script" in accepts and bare in SCRIPTS)) and b"\0" not in head else None


def _checked_format(option: str, name: str, mime: str | None) -> str:
    """The content decides. A picture named as another kind of picture is fine; one named as a sound is refused."""
    named = mime_of_name(name)
    if named is not None and (mime is None or _kind(mime) != _kind(named)):
        raise BadInput(
            "{option}: “{name}” is not what its name says: its content is no {format}. Attach a real one.",
            option=option,
            name=display_name(name),
            format=suffix_of(named),
        )
    if mime is None:
        raise BadInput(
            "{option}: “{name}” is no picture, sound or video that is read here. Attach one of {formats}.",
            option=option,
            name=display_name(name),
            formats=", ".join(FORMATS),
        )
    return mime


def _kind(mime: str) -> str:
    """Picture or recording: the same containers hold sound and video."""
    return "image" if mime.startswith("image/") else "recording"
