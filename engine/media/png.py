"""Encode PNGs quickly, with one filter for all rows and igzip, Intel's fast DEFLATE.

Pillow's encoder chooses a filter for each row and deflates with zlib. It takes about eight times as long, and its files
are a tenth smaller.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOUR_TYPES = {3: 2, 4: 6}
"""PNG's colour type for RGB and RGBA, by the number of channels (PNG specification, 11.2.1)."""
UP_FILTER = 2
"""The filter that stores each row's difference from the row above it (PNG specification, 9.2)."""
COMPRESSION_LEVEL = 1
"""igzip's level, 0 to 3. Higher levels make hardly smaller files."""
BAND_BYTES = 8 * 2**20
"""Bytes filtered at a time, so that a large picture is never copied whole."""


def encode(picture: "Pixels", profile: bytes | None = None) -> bytes:
    """Encode a picture, uint8 (H, W, 3) or (H, W, 4), as a PNG with 8 bits per channel and an optional ICC profile."""
    height, width, channels = picture.shape
    header = struct.pack(">IIBBBBB", width, height, 8, COLOUR_TYPES[channels], 0, 0, 0)
    file = io.BytesIO(SIGNATURE)
    file.seek(0, io.SEEK_END)
    file.write(_chunk(b"IHDR", header))
    if profile is not None:
        file.write(_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(profile)))
    for body in filter(None, _deflate(picture)):
        file.write(_chunk(b"IDAT", body))
    file.write(_chunk(b"IEND", b""))
    return file.getvalue()


def _deflate(picture: "Pixels") -> Iterator[bytes]:
    from isal import isal_zlib

    deflate = isal_zlib.compressobj(COMPRESSION_LEVEL)
    for band in _bands(picture):
        yield deflate.compress(band)
    yield deflate.flush()


def _bands(picture: "Pixels") -> "Iterator[Pixels]":
    """Yield bands of filtered rows, uint8 (N, 1 + W * C): the filter's number, then the differences from the row above.

    Each band has about BAND_BYTES bytes.
    """
    import numpy as np

    rows = picture.reshape(len(picture), -1)
    height = max(1, BAND_BYTES // rows.shape[1])
    above = np.zeros_like(rows[0])
    for top in range(0, len(rows), height):
        band = rows[top : top + height]
        lines = np.empty((len(band), rows.shape[1] + 1), np.uint8)
        lines[:, 0] = UP_FILTER
        np.subtract(band[0], above, out=lines[0, 1:])
        np.subtract(band[1:], band[:-1], out=lines[1:, 1:])
        above = band[-1]
        yield lines


def _chunk(kind: bytes, body: bytes) -> bytes:
    from isal import isal_zlib

    crc = isal_zlib.crc32(body, isal_zlib.crc32(kind))
    return b"".join((struct.pack(">I", len(body)), kind, body, struct.pack(">I", crc)))
