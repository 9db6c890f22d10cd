"""A test fails if our code blocks the event loop."""

import asyncio
import threading
from pathlib import Path

import pytest

from bot.prompting.wildcard_lists import BUILTIN_DIR
from tests.watched_loop import checking

SLOW = BUILTIN_DIR.parent / "not_a_real_module.py"


def run(source: str, file: Path) -> None:
    """Run source code under the name of this file."""
    exec(compile(source, str(file), "exec"), {})


BURN = "import time\nend = time.thread_time() + 0.5\nwhile time.thread_time() < end: pass"


async def block_loop(file: Path) -> None:
    """Block the loop with code under the name of this file."""
    with checking(0.1):
        asyncio.get_running_loop().call_soon(run, BURN, file)
        await asyncio.sleep(0.01)


def test_our_code_blocking_the_loop_fails_the_test(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AssertionError, match=r"the event loop was blocked: .*bot/.*not_a_real_module.py"):
        asyncio.run(block_loop(SLOW))
    assert "blocked for 0." in capsys.readouterr().out


def test_blocking_in_the_test_itself_is_not_counted() -> None:
    asyncio.run(block_loop(Path(__file__)))


async def test_every_asynchronous_test_is_watched() -> None:
    names = {thread.name for thread in threading.enumerate()}
    assert "loop watchdog" in names


@pytest.mark.asyncio(loop_scope="module")
async def test_a_test_in_the_loop_of_its_module_is_watched_there() -> None:
    beats = [timer for timer in asyncio.get_running_loop()._scheduled if "Watchdog" in repr(timer)]  # type: ignore[attr-defined]
    assert beats
