"""What people send is parsed without holding the event loop."""

import asyncio
import threading

import pytest

from bot.core import parsing
from bot.core.parsing import SMALL_CHARACTERS, parse_params, run_parser
from engine.core.errors import BadInput, TimedOut
from engine.core.params import TaskParams


class Params(TaskParams):
    """Notes the thread that parsed it."""

    text: str = ""

    def model_post_init(self, _: object) -> None:
        THREADS.append(threading.get_ident())


THREADS: list[int] = []


async def test_what_is_small_is_parsed_at_once_and_all_else_in_a_thread() -> None:
    THREADS.clear()
    await parse_params(Params, {"text": "a" * SMALL_CHARACTERS})
    await parse_params(Params, {"text": "a" * (SMALL_CHARACTERS + 1)})
    assert THREADS[0] == threading.get_ident()
    assert THREADS[1] != threading.get_ident()


async def test_a_refusal_comes_through_the_thread() -> None:
    for value in ([["deep"]] * 3000, {"a": 1}, "a" * 5000):
        with pytest.raises(BadInput):
            await parse_params(Params, {"text": value, "other": ""})


async def test_a_parser_that_takes_too_long_is_answered_while_the_loop_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parsing, "PARSE_SECONDS", 0.05)
    stuck = threading.Event()
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0)

    beating = asyncio.create_task(beat())
    try:
        with pytest.raises(TimedOut, match="took longer than"):
            await run_parser(lambda: stuck.wait(10))
    finally:
        stuck.set()
        beating.cancel()
    assert beats > 2
