"""The watchdog reports what blocks the event loop."""

import asyncio
import re
import threading
import time

import structlog

from bot.maintenance.loop_watchdog import Block, Watchdog, processor_clock, watching
from tests.timing import HANG_SECONDS
from tests.watched_loop import collector_free_clock


def burn(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


async def until_reported(blocks: list[Block]) -> Block:
    async with asyncio.timeout(HANG_SECONDS):
        while not blocks:  # noqa: ASYNC110  # it is a thread that looks on
            await asyncio.sleep(0.005)
    return blocks[0]


async def test_a_block_is_reported_with_its_time_and_stack() -> None:
    blocks: list[Block] = []
    watchdog = Watchdog(blocks.append, clock=processor_clock())
    watchdog.start()
    try:
        burn(0.3)
        block = await until_reported(blocks)
    finally:
        watchdog.stop()
    assert 0.28 < block.seconds < 30
    functions = [frame.function for frame in block.stack]
    assert "burn" in functions
    assert "test_a_block_is_reported_with_its_time_and_stack" in functions
    assert functions[-1] == "_run_once"


async def test_a_function_that_holds_the_interpreter_lock_is_reported_at_the_line_that_called_it() -> None:
    blocks: list[Block] = []
    watchdog = Watchdog(blocks.append, clock=processor_clock())
    watchdog.start()
    try:
        re.search(r"\s+$", " " * 12_000 + "x")
        block = await until_reported(blocks)
    finally:
        watchdog.stop()
    here = "test_a_function_that_holds_the_interpreter_lock_is_reported_at_the_line_that_called_it"
    assert here in {frame.function for sample in block.samples for frame in sample.stack}


async def test_a_call_that_waits_counts_in_wall_time_and_not_in_processor_time() -> None:
    wall: list[Block] = []
    processor: list[Block] = []
    with collector_free_clock() as clock:
        watchdogs = Watchdog(wall.append), Watchdog(processor.append, 0.5, clock)
        for watchdog in watchdogs:
            watchdog.start()
        try:
            threading.Event().wait(0.6)
            block = await until_reported(wall)
        finally:
            for watchdog in watchdogs:
                watchdog.stop()
    assert block.seconds > 0.5
    assert "wait" in {frame.function for frame in block.stack}
    assert not processor


async def test_a_loop_that_only_waits_is_not_blocked() -> None:
    blocks: list[Block] = []
    with collector_free_clock() as clock:
        watchdog = Watchdog(blocks.append, 0.5, clock)
        watchdog.start()
        await asyncio.sleep(0.6)
        watchdog.stop()
    assert blocks == []


async def test_a_block_that_lasts_until_the_end_is_reported_too() -> None:
    blocks: list[Block] = []
    watchdog = Watchdog(blocks.append, clock=processor_clock())
    watchdog.start()
    burn(0.2)
    watchdog.stop()
    (block,) = blocks
    assert "burn" in {frame.function for frame in block.stack}


async def test_a_block_is_logged() -> None:
    with structlog.testing.capture_logs() as logged:
        async with watching():
            burn(0.3)
    assert any("burn" in each["stack"] and each["seconds"] > 0.2 for each in logged)
