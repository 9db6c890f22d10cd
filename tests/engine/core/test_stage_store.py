"""A job of several stages in a real worker that is killed in the middle."""

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

THREE = {"type": "run", "job": "1", "task": "echo", "params": {"text": "x", "seconds": 1.5, "stages": 3}}
BOUND = 20.0


def worker(folder: Path) -> "subprocess.Popen[str]":
    """Told to take the three stages of job 1."""
    command = [sys.executable, "-m", "engine", "--folder", str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin
    process.stdin.write(json.dumps(THREE) + "\n")
    process.stdin.flush()
    return process


def kept(folder: Path) -> dict[str, int]:
    """When each stage was kept."""
    return {path.name: path.stat().st_mtime_ns for path in (folder / "stages" / "1").glob("*.json")}


def killed_after(folder: Path, stages: int) -> dict[str, int]:
    begun = time.monotonic()
    with worker(folder) as process:
        while len(kept(folder)) < stages:
            assert time.monotonic() - begun < BOUND
            time.sleep(0.01)  # another process makes them
        process.kill()
    return kept(folder)


def run_again(folder: Path) -> dict[str, Any]:
    with worker(folder) as process:
        assert process.stdout
        told = (json.loads(line) for line in process.stdout)
        result: dict[str, Any] = next(message for message in told if message["type"] == "done")["result"]
        assert process.stdin
        process.stdin.close()
    return result


def test_a_job_goes_on_at_the_stage_that_it_had_reached(tmp_path: Path) -> None:
    before = killed_after(tmp_path, 2)
    result = run_again(tmp_path)
    assert len(result["media"]) == 3
    assert before.items() <= kept(tmp_path).items()
    assert set(StageStore(tmp_path, "1").files()) == {media["sha256"] for media in result["media"]}


def test_a_stage_whose_file_is_damaged_is_made_again(tmp_path: Path) -> None:
    before = killed_after(tmp_path, 2)
    made = StageStore(tmp_path, "1").load("0")
    assert made is not None
    made.media[0].path.write_bytes(b"torn")
    result = run_again(tmp_path)
    assert len(result["media"]) == 3
    assert kept(tmp_path)["0.json"] != before["0.json"]
    assert kept(tmp_path)["1.json"] == before["1.json"]


@pytest.mark.parametrize("torn", [b"", b'{"media": [], "of": "another version"}'])
def test_a_stage_that_cannot_be_read_is_made_again_and_keeps_nobody_from_cleaning_up(
    tmp_path: Path, torn: bytes
) -> None:
    stages = StageStore(tmp_path, "1")
    stages.save("0", Result(text="made"))
    (tmp_path / "stages" / "1" / "0.json").write_bytes(torn)
    assert stages.load("0") is None
    assert list(stages.files()) == []


def test_a_part_that_cannot_be_read_is_made_again_and_what_a_killed_worker_left_goes(tmp_path: Path) -> None:
    parts = ArtifactCache(tmp_path)
    parts.get_or_create("abc", lambda: Result(text="first"))
    (kept_at,) = (tmp_path / "parts").rglob("*.json")
    kept_at.write_bytes(b"{")
    left = kept_at.with_name("tmp12345")
    left.write_bytes(b"half")
    assert parts.files() == set()
    assert left.exists()
    os.utime(left, (1, 1))
    assert parts.files() == set()
    assert not left.exists()
    assert parts.get_or_create("abc", lambda: Result(text="again")).text == "again"
