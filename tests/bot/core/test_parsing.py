"""User input is parsed without blocking the event loop."""

import asyncio
import threading

import pytest

from bot.core import parsing
from bot.core.parsing import SMALL_CHARACTERS, parse_params, run_parser
from engine.core.errors import BadInput, TimedOut
from engine.core.params import TaskParams
from tests.timing import HANG_SECONDS


class Params(TaskParams):
    """Records the thread that parsed it."""

    text: str = ""

    def model_post_init(self, _: object) -> None:
        THREADS.append(threading.get_ident())


THREADS: list[int] = []


async def test_small_input_is_parsed_on_the_loop_and_other_input_in_a_thread() -> None:
    THREADS.clear()
    await parse_params(Params, {"text": "a" * SMALL_CHARACTERS})
    await parse_params(Params, {"text": "a" * (SMALL_CHARACTERS + 1)})
    assert THREADS[0] == threading.get_ident()
    assert THREADS[1] != threading.get_ident()


async def test_an_error_in_the_thread_reaches_the_caller() -> None:
    for value in ([["deep"]] * 3000, {"a": 1}, "a" * 5000):
        with pytest.raises(BadInput):
            await parse_params(Params, {"text": value, "other": ""})


async def test_a_parser_that_takes_too_long_times_out_while_the_loop_runs_on(
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
            await run_parser(lambda: stuck.wait(HANG_SECONDS))
    finally:
        stuck.set()
        beating.cancel()
    assert beats > 2
