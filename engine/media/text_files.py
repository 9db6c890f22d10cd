"""Text that people attach, decoded by what its bytes say: subtitles, scripts, lists of words."""

import codecs

from engine.core.errors import BadInput

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks with their encodings; UTF-32's little-endian mark begins with UTF-16's, so it stands first."""
MAX_SHARE_HIGH = 0.3
"""The largest share of bytes over 127 that Western European text has; other alphabets have more than half."""
WESTERN = "windows-1252"
SAMPLE_BYTES = 65_536
"""How much of a file is looked at to guess its encoding."""


def decode_text(data: bytes, option: str) -> tuple[str, str]:
    r"""Return the text of a file with `\n` at each line's end, and the name of its encoding.

    A byte order mark decides; without one UTF-8 is tried, then UTF-16, then Windows-1252, which Latin-1 is a part of.
    `option` is the name of the option that the person gave the file for. Raises BadInput for any other encoding.
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
    """Return the likely encoding of text that is not UTF-8 and has no byte order mark; "" where it is not known."""
    sample = data[:SAMPLE_BYTES]
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if sample[offset::2].count(0) > len(sample) / 4:
            return encoding
    high = sum(byte > 127 for byte in sample)
    return WESTERN if high <= MAX_SHARE_HIGH * len(sample) else ""


def _decode(data: bytes, encoding: str, option: str) -> tuple[str, str]:
    try:
        return _with_newlines(data.decode(encoding or "utf-8")), encoding
    except UnicodeDecodeError:
        raise BadInput(
            "{option} is in an encoding that is not known. Save the file as UTF-8 and attach it again.", option=option
        ) from None


def _with_newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
