"""Parse what people send without holding the event loop.

A thread cannot be stopped from outside, and it shares the interpreter with the loop. What protects the loop is
therefore that every parser is linear in the length of its input, and that this length is bounded before the parser
begins: the longest script takes 0.1 s. The thread lets the loop go on meanwhile, and the timeout answers the
person where a machine is so busy that even this takes long.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from engine.core.errors import TimedOut
from engine.core.job import Media
from engine.core.params import TaskParams

P = TypeVar("P", bound=TaskParams)
T = TypeVar("T")

SMALL_CHARACTERS = 4000
"""What is parsed on the loop: about a millisecond's work."""
PARSE_SECONDS = 10.0


async def parse_params(params: type[P], raw: Mapping[str, Any]) -> P:
    """Return the typed parameters, as `params.parse` does; a thread parses whatever is not small. Raises BadInput."""
    if _is_small(raw):
        return params.parse(raw)
    return await run_parser(lambda: params.parse(raw))


async def run_parser(parse: Callable[[], T]) -> T:
    """Return what `parse` returns, from a thread. Raises what it raises, and TimedOut."""
    try:
        async with asyncio.timeout(PARSE_SECONDS):
            return await asyncio.to_thread(parse)
    except TimeoutError:
        raise TimedOut(
            "Reading what you sent took longer than {seconds} seconds. Send less, or try again later.",
            seconds=round(PARSE_SECONDS),
        ) from None


def _is_small(raw: Mapping[str, Any]) -> bool:
    """Return whether the values are few characters. Lists and tables, which may hold anything, are never small."""
    plain = all(isinstance(value, str | int | float | Media | None) for value in raw.values())
    return plain and sum(len(value) for value in raw.values() if isinstance(value, str)) <= SMALL_CHARACTERS
