"""A test in which code of ours holds the event loop fails."""

import asyncio
import threading
from pathlib import Path

import pytest

from bot.prompting.wildcard_lists import BUILTIN_DIR
from tests.watched_loop import checking

SLOW = BUILTIN_DIR.parent / "not_a_real_module.py"


def run(source: str, file: Path) -> None:
    """Run the source as though it stood in the file."""
    exec(compile(source, str(file), "exec"), {})


BURN = "import time\nend = time.thread_time() + 0.5\nwhile time.thread_time() < end: pass"


async def hold(file: Path) -> None:
    """Hold the loop by code in the file."""
    with checking():
        asyncio.get_running_loop().call_soon(run, BURN, file)
        await asyncio.sleep(0.01)


def test_code_of_ours_that_holds_the_loop_fails_the_test(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AssertionError, match=r"the event loop was held: .*bot/prompting/not_a_real_module.py"):
        asyncio.run(hold(SLOW))
    assert "held for 0." in capsys.readouterr().out


def test_what_a_test_does_itself_is_not_counted() -> None:
    asyncio.run(hold(Path(__file__)))


async def test_every_asynchronous_test_is_watched() -> None:
    names = {thread.name for thread in threading.enumerate()}
    assert "loop watchdog" in names


@pytest.mark.asyncio(loop_scope="module")
async def test_one_in_a_loop_of_its_module_is_watched_in_that_loop() -> None:
    beats = [timer for timer in asyncio.get_running_loop()._scheduled if "Watchdog" in repr(timer)]  # type: ignore[attr-defined]
    assert beats
