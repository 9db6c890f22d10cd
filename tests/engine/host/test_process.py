"""A worker process as the bot holds it."""

import asyncio
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from engine.core.errors import EngineDied
from engine.host.process import WorkerProcess
from tests.fakes import gone, until

CHILD = "sleep 60 < /dev/null > /dev/null 2>&1 &"


@pytest.mark.parametrize(("rest", "killed"), [("exit 3", False), ("exec sleep 60", True)])
async def test_what_a_dead_worker_left_at_work_ends_with_it(rest: str, killed: bool, tmp_path: Path) -> None:
    told = tmp_path / "child"
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", f"{CHILD} echo $! > {told}; {rest}", stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True
    )
    worker = WorkerProcess(process)
    await until(lambda: told.exists() and told.read_text().endswith("\n"))
    if killed:
        worker.kill()
    await worker.exit_reason()
    child = int(told.read_text())
    await until(lambda: gone(child))


async def talker(tmp_path: Path, script: str) -> WorkerProcess:
    """A worker that is a shell script."""
    return WorkerProcess(
        await asyncio.create_subprocess_exec(
            "sh", "-c", script, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True, limit=2**16, cwd=tmp_path
        )
    )


@pytest.mark.parametrize(
    "said",
    ['{"type": "progress", "stage": "my secret wish"}', "my secret wish", "$(head -c 100000 /dev/zero | tr '\\0' x)"],
)
async def test_a_worker_that_says_nonsense_is_as_good_as_dead_and_the_log_has_none_of_it(
    said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = await talker(
        tmp_path,
        f"cat > said << 'END'\n{said}\nEND\ncat said; sleep 60" if "$" not in said else f"echo {said}; sleep 60",
    )
    with pytest.raises(EngineDied, match="cannot be read"):
        _ = [message async for message in worker.messages()]
    await worker.close(0.1)
    assert "secret" not in capsys.readouterr().out


async def test_an_endless_line_in_a_workers_log_does_not_keep_the_rest_from_being_read(tmp_path: Path) -> None:
    worker = await talker(tmp_path, "head -c 1000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo the end >&2; exit 3")
    assert str(await worker.exit_reason()) == "The worker ended with code 3. the end"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("kill -9 $$", "The worker was killed, as systems do where memory runs out."),
        ("echo bad luck >&2; kill -11 $$", "The worker ended with code SIGSEGV. bad luck"),
        ("exit 3", "The worker ended with code 3."),
    ],
)
async def test_how_a_worker_died_is_said_in_words(script: str, said: str, tmp_path: Path) -> None:
    assert str(await (await talker(tmp_path, script)).exit_reason()) == said


async def test_a_worker_that_is_given_up_is_not_said_to_have_run_out_of_memory(tmp_path: Path) -> None:
    worker = await talker(tmp_path, "exec sleep 60")
    worker.kill()
    assert str(await worker.exit_reason()) == "The worker did not answer in time and was ended."
