"""Background tasks."""

import asyncio

import pytest

from engine.host.background import restart_forever, running_in_background


async def test_a_failing_task_is_logged_and_restarted_until_the_context_closes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("engine.host.background.BACKOFF_SECONDS", (0.0,))
    starts: list[int] = []
    third = asyncio.Event()

    async def work() -> None:
        starts.append(len(starts))
        if len(starts) < 3:
            raise RuntimeError("nobody foresaw it")
        third.set()
        try:
            await asyncio.Event().wait()
        finally:
            starts.append(-1)

    async with running_in_background(restart_forever("sweeping", work)):
        await third.wait()
    assert starts == [0, 1, 2, -1]
    assert capsys.readouterr().out.count("RuntimeError: nobody foresaw it") == 2
