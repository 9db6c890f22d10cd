"""Work beside the main road."""

import asyncio

import pytest

from engine.host.background import restart_forever, running_in_background


async def test_a_duty_that_fails_is_logged_and_begun_again_until_its_house_closes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("engine.host.background.BACKOFF_SECONDS", (0.0,))
    begun: list[int] = []
    third = asyncio.Event()

    async def duty() -> None:
        begun.append(len(begun))
        if len(begun) < 3:
            raise RuntimeError("nobody foresaw it")
        third.set()
        try:
            await asyncio.Event().wait()
        finally:
            begun.append(-1)

    async with running_in_background(restart_forever("sweeping", duty)):
        await asyncio.wait_for(third.wait(), 5)
    assert begun == [0, 1, 2, -1]
    assert capsys.readouterr().out.count("RuntimeError: nobody foresaw it") == 2
