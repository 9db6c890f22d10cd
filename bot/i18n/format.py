"""Numbers of bytes and durations as text. The units are the same in English and Spanish."""

from pydantic import ByteSize


def format_bytes(count: int) -> str:
    """Return a number of bytes with a decimal unit: "15.0 GB"."""
    return ByteSize(count).human_readable(decimal=True, separator=" ")


def format_duration(seconds: float) -> str:
    """Return a duration in its two largest units: "7 ms", "0.3 s", "42 s", "3 min 20 s", "2 d 4 h"."""
    if seconds < 0.095:
        return f"{max(round(seconds * 1000), 0)} ms"
    if seconds < 9.95 and seconds != round(seconds):
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, length, small, small_length in (
        ("d", 86400, "h", 3600),
        ("h", 3600, "min", 60),
        ("min", 60, "s", 1),
    ):
        if whole >= length:
            rest = whole % length // small_length
            return f"{whole // length} {unit} {rest} {small}" if rest else f"{whole // length} {unit}"
    return f"{whole} s"
