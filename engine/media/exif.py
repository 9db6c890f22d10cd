"""How a PNG or a WebP says that it is turned: its EXIF, found by stepping over the file's chunks. Nothing is decoded.

PNG specification, 11.3 (`eXIf` may come after the pixels); WebP container specification, "Extended File Format".
"""

import os
import struct
from pathlib import Path
from typing import IO

MAX_EXIF_BYTES = 2**20
"""Bytes of EXIF that are read; what is larger is no camera's."""
ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
"""The order of a TIFF's bytes by its first ones."""
ORIENTATION, UPRIGHT = 0x0112, 1
ON_THEIR_SIDE = (5, 6, 7, 8)
"""Orientations that are turned by a quarter (EXIF 2.3, 4.6.4)."""
PNG = b"\x89PNG\r\n\x1a\n"


def is_rotated(path: Path) -> bool:
    """Whether it is shown with its width as its height. False for a format that is not one of these."""
    exif = _exif(path)
    return exif is not None and _orientation(exif) in ON_THEIR_SIDE


def _exif(path: Path) -> bytes | None:
    with path.open("rb") as file:
        head = file.read(12)
        if head.startswith(PNG):
            file.seek(len(PNG))
            return _found(file, b"eXIf", ">I4s", 4, 1)
        if head[:4] == b"RIFF" and head[8:] == b"WEBP":
            return _found(file, b"EXIF", "<4sI", 0, 2)
    return None


def _found(file: IO[bytes], wanted: bytes, head: str, after: int, even: int) -> bytes | None:
    """The body of the first chunk called `wanted`. Each has `head`, its name and size; `after` bytes follow it, and it
    is filled up to a multiple of `even`.
    """
    while len(raw := file.read(8)) == 8:  # both formats have heads of 8 bytes
        first, second = struct.unpack(head, raw)
        name, size = (first, second) if isinstance(first, bytes) else (second, first)
        if name == wanted:
            return file.read(size) if size <= MAX_EXIF_BYTES else None
        file.seek(size + -size % even + after, os.SEEK_CUR)
    return None


def _orientation(exif: bytes) -> int:
    """1, upright, where the EXIF says none or is damaged (EXIF 2.3, 4.6.2: a TIFF's first directory)."""
    tiff = exif.removeprefix(b"Exif\0\0")
    order = ORDERS.get(tiff[:4])
    if order is None:
        return UPRIGHT
    try:
        (start,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, start)
        entries = [struct.unpack_from(order + "HHIH", tiff, start + 2 + 12 * at) for at in range(count)]
    except struct.error:
        return UPRIGHT
    return next((int(value) for tag, _, _, value in entries if tag == ORIENTATION), UPRIGHT)
