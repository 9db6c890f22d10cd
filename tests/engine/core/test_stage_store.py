"""A job of three stages in a real worker that is killed halfway, and the caches that it leaves."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from engine.core.artifact_cache import ArtifactCache
from engine.core.job import Result
from engine.core.stage_store import StageStore

THREE_STAGES = {"type": "run", "job": "1", "task": "echo", "params": {"text": "x", "seconds": 1.5, "stages": 3}}


def start_worker(folder: Path) -> "subprocess.Popen[str]":
    """Start a worker and send it job 1, which has three stages."""
    command = [sys.executable, "-m", "engine", "--folder", str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin
    process.stdin.write(json.dumps(THREE_STAGES) + "\n")
    process.stdin.flush()
    return process


def stage_times(folder: Path) -> dict[str, int]:
    """Return the modification time, in ns, of each finished stage's file."""
    return {path.name: path.stat().st_mtime_ns for path in (folder / "stages" / "1").glob("*.json")}


def kill_after_stages(folder: Path, stages: int) -> dict[str, int]:
    """Kill a worker once it has finished so many stages, and return their times."""
    with start_worker(folder) as process:
        while len(stage_times(folder)) < stages:
            time.sleep(0.01)  # the worker is another process, so there is no event to wait for
        process.kill()
    return stage_times(folder)


def run_to_end(folder: Path) -> dict[str, Any]:
    """Run the job in a fresh worker and return its result."""
    with start_worker(folder) as process:
        assert process.stdout
        messages = (json.loads(line) for line in process.stdout)
        result: dict[str, Any] = next(message for message in messages if message["type"] == "done")["result"]
        assert process.stdin
        process.stdin.close()
    return result


def test_a_job_resumes_at_the_stage_it_had_reached(tmp_path: Path) -> None:
    before = kill_after_stages(tmp_path, 2)
    result = run_to_end(tmp_path)
    assert len(result["media"]) == 3
    assert before.items() <= stage_times(tmp_path).items()
    assert set(StageStore(tmp_path, "1").files()) == {media["sha256"] for media in result["media"]}


def test_a_stage_with_a_damaged_file_runs_again(tmp_path: Path) -> None:
    before = kill_after_stages(tmp_path, 2)
    result_of_stage = StageStore(tmp_path, "1").load("0")
    assert result_of_stage is not None
    result_of_stage.media[0].path.write_bytes(b"damaged")
    result = run_to_end(tmp_path)
    assert len(result["media"]) == 3
    assert stage_times(tmp_path)["0.json"] != before["0.json"]
    assert stage_times(tmp_path)["1.json"] == before["1.json"]


@pytest.mark.parametrize("damaged", [b"", b'{"media": [], "of": "another version"}'])
def test_an_unreadable_stage_runs_again_and_does_not_stop_the_cleanup(tmp_path: Path, damaged: bytes) -> None:
    stages = StageStore(tmp_path, "1")
    stages.save("0", Result(text="made"))
    (tmp_path / "stages" / "1" / "0.json").write_bytes(damaged)
    assert stages.load("0") is None
    assert list(stages.files()) == []


def test_an_unreadable_artifact_is_made_again_and_leftovers_of_a_killed_worker_are_deleted(tmp_path: Path) -> None:
    cache = ArtifactCache(tmp_path)
    cache.get_or_create("abc", lambda: Result(text="first"))
    (artifact,) = (tmp_path / "parts").rglob("*.json")
    artifact.write_bytes(b"{")
    leftover = artifact.with_name("tmp12345")
    leftover.write_bytes(b"half")
    assert cache.files() == set()
    assert leftover.exists()
    os.utime(leftover, (1, 1))
    assert cache.files() == set()
    assert not leftover.exists()
    assert cache.get_or_create("abc", lambda: Result(text="again")).text == "again"
