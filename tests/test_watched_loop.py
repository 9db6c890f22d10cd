"""A test in which code of ours holds the event loop fails."""

import asyncio
from pathlib import Path

import pytest

from bot.wildcard_lists import OWN
from tests.watched_loop import checking

SLOW = OWN.parent / "not_a_real_module.py"


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
    with pytest.raises(AssertionError, match=r"the event loop was held: .*bot/not_a_real_module.py"):
        asyncio.run(hold(SLOW))
    assert "held for 0." in capsys.readouterr().out


def test_what_a_test_does_itself_is_not_counted() -> None:
    asyncio.run(hold(Path(__file__)))


def test_every_asynchronous_test_is_watched(request: pytest.FixtureRequest) -> None:
    assert "nothing_of_ours_holds_the_event_loop" in request.fixturenames
    assert "watched_loop" not in request.fixturenames


async def test_this_one_too(request: pytest.FixtureRequest) -> None:
    assert request.getfixturevalue("watched_loop") is None
