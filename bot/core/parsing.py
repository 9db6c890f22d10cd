"""Parse user input without blocking the event loop.

A thread cannot be stopped from outside, and it shares the interpreter with the loop. Two other things protect the
loop: every parser is linear in the length of its input, and that length is checked before parsing starts. The longest
script takes 0.1 s. The loop runs on while the thread parses, and the timeout answers the user when the machine is so
busy that parsing still takes long.
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
"""Characters that are parsed on the loop itself, which takes about a millisecond."""
PARSE_SECONDS = 10.0
"""Seconds that parsing may take in a thread."""


async def parse_params(params: type[P], raw: Mapping[str, Any]) -> P:
    """Return the typed parameters, as `params.parse` does. Input that is not small is parsed in a thread.

    Raises BadInput, and TimedOut after PARSE_SECONDS.
    """
    if _is_small(raw):
        return params.parse(raw)
    return await run_parser(lambda: params.parse(raw))


async def run_parser(parse: Callable[[], T]) -> T:
    """Run `parse` in a thread and return its result. Raises its errors, and TimedOut after PARSE_SECONDS."""
    try:
        async with asyncio.timeout(PARSE_SECONDS):
            return await asyncio.to_thread(parse)
    except TimeoutError:
        raise TimedOut(
            "Reading what you sent took longer than {seconds:duration}. Send less, or try again later.",
            seconds=round(PARSE_SECONDS),
        ) from None


def _is_small(raw: Mapping[str, Any]) -> bool:
    """Return whether the values have at most SMALL_CHARACTERS. Lists and tables can hold anything, so they never do."""
    all_plain = all(isinstance(value, str | int | float | Media | None) for value in raw.values())
    return all_plain and sum(len(value) for value in raw.values() if isinstance(value, str)) <= SMALL_CHARACTERS
