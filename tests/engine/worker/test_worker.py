"""The worker as a program run by hand: lines in, lines out, logs elsewhere."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from engine.tasks.registry import TASKS
from tests.fakes import gone


def run_by_hand(folder: Path, *lines: object) -> list[dict[str, Any]]:
    spoken = "".join(json.dumps(line) + "\n" for line in lines)
    command = [sys.executable, "-m", "engine", "--folder", str(folder)]
    ended = subprocess.run(command, input=spoken, capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_it_says_ready_first_with_a_service_for_every_task(tmp_path: Path) -> None:
    ready, held = run_by_hand(tmp_path)
    assert ready["type"] == "ready"
    assert {service["task"] for service in ready["services"]} == set(TASKS)
    assert held["type"] == "held"


def test_a_worker_whose_gpu_is_gone_says_so_and_ends(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "engine", "--folder", str(tmp_path), "--device", "cuda:77"]
    ended = subprocess.run(command, input="", capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["why"] == {
        "template": "The GPU {device} is no longer available. Check nvidia-smi.",
        "facts": {"device": "cuda:77"},
    }


@pytest.mark.parametrize("params", [{"seconds": 600}, {"fault": "hang"}])
def test_it_ends_when_its_input_ends_even_in_the_middle_of_a_job(tmp_path: Path, params: dict[str, object]) -> None:
    command = [sys.executable, "-m", "engine", "--folder", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdin
        assert worker.stdout
        worker.stdin.write(json.dumps({"type": "run", "job": "1", "task": "echo", "params": params}) + "\n")
        worker.stdin.flush()
        while json.loads(worker.stdout.readline())["type"] != "started":
            pass
        worker.stdin.close()
        assert worker.wait(timeout=10) in (0, 1)


def test_a_cancel_that_comes_before_its_job_begins_keeps_it_from_beginning(tmp_path: Path) -> None:
    slow = {"type": "run", "job": "1", "task": "echo", "params": {"seconds": 0.2}}
    next_one = {"type": "run", "job": "2", "task": "echo", "params": {"text": "never"}}
    told = run_by_hand(tmp_path, slow, next_one, {"type": "cancel", "job": "2"}, {"type": "cancel", "job": "1"})
    assert not any(message.get("type") == "done" for message in told)


def test_a_library_that_prints_cannot_break_the_wire(tmp_path: Path) -> None:
    script = (
        "import sys, os; sys.argv = ['engine', '--folder', sys.argv[1]]\n"
        "from engine import __main__ as program\n"
        "wire = program._take_stdout(); os.system('echo chatter'); print('chatter', flush=True); wire.write(b'kept')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout == "kept"
    assert "chatter" in ended.stderr


@pytest.mark.parametrize("line", ['{"type": "run", "job": "1", "wish": "my secret"}', "my secret"])
def test_it_ends_when_its_input_makes_no_sense_and_logs_none_of_it(tmp_path: Path, line: str) -> None:
    command = [sys.executable, "-m", "engine", "--folder", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as worker:
        assert worker.stdin
        assert worker.stderr
        worker.stdin.write(line + "\n")
        worker.stdin.flush()
        assert worker.wait(timeout=30) == 1
        said = worker.stderr.read()
    assert "cannot be read" in said
    assert "secret" not in said


def test_what_it_set_to_work_ends_with_it() -> None:
    told = (
        "import subprocess; from engine.worker.loop import exit_now; "
        "print(subprocess.Popen(['sleep', '60']).pid, flush=True)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", f"{told}; exit_now(3)"], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 3
    begun = time.monotonic()
    while not gone(int(ended.stdout)):
        assert time.monotonic() - begun < 30
        time.sleep(0.01)  # what was killed takes a moment to end, on a busy machine a longer one


def test_a_log_that_cannot_be_written_costs_nothing_but_itself(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "engine", "--folder", str(tmp_path)]
    runs = [{"type": "run", "job": fault, "task": "echo", "params": {"fault": fault}} for fault in ("error", "none")]
    with (
        Path("/dev/full").open("w") as full,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=full, text=True) as worker,
    ):
        assert worker.stdin
        assert worker.stdout
        worker.stdin.write("".join(json.dumps(run) + "\n" for run in runs))
        worker.stdin.flush()
        ends: list[str] = []
        while len(ends) < 2:
            told = json.loads(worker.stdout.readline())
            ends += [told["type"]] if told["type"] in {"done", "failed"} else []
        worker.stdin.close()
        worker.wait(timeout=30)
    assert ends == ["failed", "done"]
