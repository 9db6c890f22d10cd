"""A worker process, as the bot sees it."""

import asyncio
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from engine.core.errors import EngineDied
from engine.host.process import WorkerProcess
from tests.fakes import gone, until

QUIET_CHILD = "sleep 600 < /dev/null > /dev/null 2>&1 &"
CHILD_WITH_THE_WORKERS_PIPES = "sleep 600 &"


@pytest.mark.parametrize(
    ("child", "rest", "killed"),
    [
        (QUIET_CHILD, "exit 3", False),
        (QUIET_CHILD, "exec sleep 600", True),
        (CHILD_WITH_THE_WORKERS_PIPES, "exec sleep 600", True),
    ],
)
async def test_children_of_a_dead_worker_are_killed(child: str, rest: str, killed: bool, tmp_path: Path) -> None:
    pid_file = tmp_path / "child"
    process = await asyncio.create_subprocess_exec(
        "sh",
        "-c",
        f"{child} echo $! > {pid_file}; {rest}",
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        start_new_session=True,
    )
    worker = WorkerProcess(process)
    await until(lambda: pid_file.exists() and pid_file.read_text().endswith("\n"))
    if killed:
        worker.kill()
    await worker.exit_reason()
    number = int(pid_file.read_text())
    await until(lambda: gone(number))


async def start_script(tmp_path: Path, script: str) -> WorkerProcess:
    """Start a shell script in place of a worker."""
    return WorkerProcess(
        await asyncio.create_subprocess_exec(
            "sh", "-c", script, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True, limit=2**16, cwd=tmp_path
        )
    )


@pytest.mark.parametrize(
    "output",
    ['{"type": "progress", "stage": "my secret wish"}', "my secret wish", "$(head -c 100000 /dev/zero | tr '\\0' x)"],
)
async def test_an_unreadable_message_ends_the_worker_and_is_not_logged(
    output: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = await start_script(
        tmp_path,
        f"cat > said << 'END'\n{output}\nEND\ncat said; sleep 600"
        if "$" not in output
        else f"echo {output}; sleep 600",
    )
    with pytest.raises(EngineDied, match="unreadable message"):
        await worker.receive()
    await worker.close(0.1)
    assert "secret" not in capsys.readouterr().out


async def test_a_huge_log_line_does_not_stop_the_log_from_being_read(tmp_path: Path) -> None:
    worker = await start_script(
        tmp_path, "head -c 1000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo the end >&2; exit 3"
    )
    assert str(await worker.exit_reason()) == "The worker exited with code 3. the end"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("kill -9 $$", "The worker was killed, probably because the system ran out of memory."),
        ("echo bad luck >&2; kill -11 $$", "The worker exited with code SIGSEGV. bad luck"),
        ("exit 3", "The worker exited with code 3."),
    ],
)
async def test_the_exit_reason_names_the_signal_or_code_and_the_last_log_line(
    script: str, reason: str, tmp_path: Path
) -> None:
    assert str(await (await start_script(tmp_path, script)).exit_reason()) == reason


async def test_a_worker_that_we_killed_is_not_reported_as_out_of_memory(tmp_path: Path) -> None:
    worker = await start_script(tmp_path, "exec sleep 600")
    worker.kill()
    assert str(await worker.exit_reason()) == "The worker did not respond in time, so it was stopped."
