"""A worker process as the bot holds it."""

import asyncio
from asyncio.subprocess import PIPE
from pathlib import Path

import psutil
import pytest

from engine.process import WorkerProcess
from tests.fakes import until

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
    await worker.why()
    child = int(told.read_text())
    await until(lambda: gone(child))


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
