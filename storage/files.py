"""People's files: fetched within bounds, known by their content, kept by its hash, pruned by age."""

import asyncio
import contextlib
import math
import shutil
import time
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.errors import BadInput, TooLarge
from engine.job import Media
from engine.media import FORMATS, HEAD, intact, keep, part, promised, size_of, sniff, suffix_of
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
    """The media folder. `max_bytes` bounds a file, `max_pixels` a picture, `timeout` in seconds a download."""

    def __init__(self, folder: Path, max_bytes: int, max_pixels: int, timeout: float = 60) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._max_pixels = max_pixels
        self._timeout = timeout

    async def fetch(self, option: str, attachment: Attachment) -> Media:
        """Bring the file here and look at it: nothing of it stays where it is refused.

        Raises BadInput for what does not arrive whole, is no format of ours or not the one it is named, and TooLarge.
        """
        download = Download(option, shown(attachment.name), self._max_bytes, self._timeout)
        download.check_size(attachment.size)
        with part(self._folder) as path:
            if attachment.path is not None:
                download.check_size((await asyncio.to_thread(attachment.path.stat)).st_size)
                await asyncio.to_thread(shutil.copyfile, attachment.path, path)
            else:
                await download.run(attachment.url or "", path, attachment.size)
            return await asyncio.to_thread(self._settle, option, attachment.name, path)

    def intact(self, media: Media) -> bool:
        return intact(media)

    async def prune(self, keep: Container[str], older_than: float) -> Pruned:
        """Delete files older than `older_than` seconds whose SHA-256 is not in `keep`, and parts that a crash left."""
        return await asyncio.to_thread(self._prune, keep, time.time() - older_than)

    def _settle(self, option: str, name: str, path: Path) -> Media:
        with path.open("rb") as file:
            mime = sniff(file.read(HEAD))
        _check_format(option, name, mime)
        if mime is not None and mime.startswith("image/"):
            self._check_pixels(option, name, path)
        return keep(path, self._folder)

    def _check_pixels(self, option: str, name: str, path: Path) -> None:
        try:
            width, height = size_of(path)
        except ValueError:
            raise BadInput(
                "{option}: “{name}” is damaged, its size cannot be read. Attach another picture.",
                option=option,
                name=shown(name),
            ) from None
        if width * height > self._max_pixels:
            raise TooLarge(
                "{option}: “{name}” is {width} x {height} pixels; at most {bound} pixels are allowed, such as"
                " {side} x {side}. Make it smaller.",
                option=option,
                name=shown(name),
                width=width,
                height=height,
                bound=self._max_pixels,
                side=math.isqrt(self._max_pixels),
            )

    def _prune(self, keep: Container[str], before: float) -> Pruned:
        files = size = 0
        for path in self._folder.glob("*/*"):
            with contextlib.suppress(FileNotFoundError):
                found = path.stat()
                if found.st_mtime < before and path.stem not in keep:
                    path.unlink()
                    files, size = files + 1, size + found.st_size
        return Pruned(files, size)


def shown(name: str) -> str:
    """A file's name as a sentence shows it."""
    name = "".join(letter for letter in name if letter.isprintable())
    return name if len(name) <= 60 else name[:59] + "…"


def _check_format(option: str, name: str, mime: str | None) -> None:
    """The content decides. A picture named as another kind of picture is fine; one named as a sound is refused."""
    named = promised(name)
    if named is not None and (mime is None or _kind(mime) != _kind(named)):
        raise BadInput(
            "{option}: “{name}” is not what its name says: its content is no {format}. Attach a real one.",
            option=option,
            name=shown(name),
            format=suffix_of(named),
        )
    if mime is None:
        raise BadInput(
            "{option}: “{name}” is no picture, sound or video that is read here. Attach one of {formats}.",
            option=option,
            name=shown(name),
            formats=", ".join(FORMATS),
        )


def _kind(mime: str) -> str:
    """Picture or recording: the same containers hold sound and video."""
    return "image" if mime.startswith("image/") else "recording"
