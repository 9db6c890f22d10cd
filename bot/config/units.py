"""The units that an owner writes in config.toml: durations such as "5m" and rates such as "10/60s"."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ByteSize
from pydantic_core import PydanticCustomError

from storage.store import Rate

MAX_BYTES = 10**18
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*([smhd])\s*")
_RATE = re.compile(r"\s*(\d{1,9})\s*/\s*(\S.*)")


def duration(text: Any) -> float:
    """Seconds of "60s", "5m", "1.5h" or "2d"; more than none. Raises PydanticCustomError."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    seconds = float(match[1]) * _SECONDS[match[2]] if match else 0.0
    if not seconds:
        raise PydanticCustomError("duration", "not a duration")
    return seconds


def rate(text: Any) -> Rate | None:
    """The rate of "10/60s" or "3/5m", None for "off". Raises PydanticCustomError."""
    if text == "off":
        return None
    match = _RATE.fullmatch(text) if isinstance(text, str) else None
    if match is None or int(match[1]) == 0:
        raise PydanticCustomError("rate", "not a rate")
    return Rate(count=int(match[1]), seconds=duration(match[2]))


def _reject_bool(size: Any) -> Any:
    if isinstance(size, bool):
        raise PydanticCustomError("size", "true and false are no size")
    return size


def _positive(size: ByteSize) -> int:
    if not 0 < size <= MAX_BYTES:
        raise PydanticCustomError("size", "no bytes, or more than a database can count")
    return int(size)


Size = Annotated[ByteSize, BeforeValidator(_reject_bool), AfterValidator(_positive)]
Duration = Annotated[float, BeforeValidator(duration)]
OptionalRate = Annotated[Rate | None, BeforeValidator(rate)]
