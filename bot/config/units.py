"""The units of config.toml: sizes such as "5GB", durations such as "5m" and rates such as "10/60s"."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ByteSize
from pydantic_core import PydanticCustomError

from storage.store import Rate

MAX_BYTES = 10**18
"""The largest size in bytes. SQLite cannot count to 2^63 or more."""
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*([smhd])\s*")
_RATE = re.compile(r"\s*(\d{1,9})\s*/\s*(\S.*)")


def parse_duration(text: Any) -> float:
    """Return the seconds of "60s", "5m", "1.5h" or "2d". Raises PydanticCustomError unless it is more than zero."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    seconds = float(match[1]) * _SECONDS[match[2]] if match else 0.0
    if not seconds:
        raise PydanticCustomError("duration", "not a duration")
    return seconds


def parse_rate(text: Any) -> Rate | None:
    """Return the rate of "10/60s" or "3/5m", and None for "off". Raises PydanticCustomError for any other text."""
    if text == "off":
        return None
    match = _RATE.fullmatch(text) if isinstance(text, str) else None
    if match is None or int(match[1]) == 0:
        raise PydanticCustomError("rate", "not a rate")
    return Rate(count=int(match[1]), seconds=parse_duration(match[2]))


def format_rate(rate: Rate) -> str:
    """Return the rate as it is written in config.toml, such as "10/60s" or "3/5m"."""
    minutes, seconds = divmod(rate.seconds, 60)
    return f"{rate.count}/{rate.seconds:g}s" if seconds or minutes == 1 else f"{rate.count}/{minutes:g}m"


def _reject_bool(size: Any) -> Any:
    if isinstance(size, bool):
        raise PydanticCustomError("size", "true and false are not sizes")
    return size


def _check_size(size: ByteSize) -> int:
    if not 0 < size <= MAX_BYTES:
        raise PydanticCustomError("size", "zero, or more than the database can count")
    return int(size)


Size = Annotated[ByteSize, BeforeValidator(_reject_bool), AfterValidator(_check_size)]
"""Bytes, written as "5GB"."""
Duration = Annotated[float, BeforeValidator(parse_duration)]
"""Seconds, written as "5m"."""
OptionalRate = Annotated[Rate | None, BeforeValidator(parse_rate)]
"""A rate, written as "10/60s", or None, written as "off"."""
