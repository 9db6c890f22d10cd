"""Decode attached text files, such as subtitles, scripts and word lists, whatever their encoding."""

import codecs

from engine.core.errors import BadInput

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks and their encodings. UTF-32's little-endian mark begins with UTF-16's, so it comes first."""
MAX_NON_ASCII_SHARE = 0.3
"""Largest share of bytes over 127 in Western European text. In other alphabets more than half are over 127."""
WESTERN = "windows-1252"
SAMPLE_BYTES = 65_536
"""Number of bytes from which the encoding is guessed."""


def decode_text(data: bytes, option: str) -> tuple[str, str]:
    r"""Return the text of a file with `\n` line ends, and the name of its encoding.

    A byte order mark decides the encoding. Without one, UTF-8, UTF-16 and Windows-1252, a superset of printable
    Latin-1, are tried in this order. Raises BadInput, naming the `option`, for any other encoding.
    """
    for bom, encoding in BOMS:
        if data.startswith(bom):
            return _decode(data[len(bom) :], encoding, option)
    if b"\0" in data[:SAMPLE_BYTES]:
        return _decode(data, _guess(data), option)
    try:
        return _with_newlines(data.decode("utf-8")), "utf-8"
    except UnicodeDecodeError:
        return _decode(data, _guess(data), option)


def _guess(data: bytes) -> str:
    """Return the likely encoding of text that is not UTF-8 and has no byte order mark, or "" if it is unknown."""
    sample = data[:SAMPLE_BYTES]
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if sample[offset::2].count(0) > len(sample) / 4:
            return encoding
    high = sum(byte > 127 for byte in sample)
    return WESTERN if high <= MAX_NON_ASCII_SHARE * len(sample) else ""


def _decode(data: bytes, encoding: str, option: str) -> tuple[str, str]:
    try:
        return _with_newlines(data.decode(encoding or "utf-8")), encoding
    except UnicodeDecodeError:
        raise BadInput(
            "{option} uses an unknown text encoding. Save the file as UTF-8 and attach it again.", option=option
        ) from None


def _with_newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
