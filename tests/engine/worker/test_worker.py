"""The worker program: settings and messages in, messages out, logs elsewhere."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from engine.__main__ import _parse_arguments, _settings_by_hand
from engine.core.settings import WorkerSettings
from engine.tasks.registry import TASKS
from tests.fakes import gone
from tests.timing import HANG_SECONDS


def run_by_hand(folder: Path, *lines: object) -> list[dict[str, Any]]:
    """Run a worker with these lines as its input, and return its messages."""
    text = "".join(json.dumps(line) + "\n" for line in lines)
    command = [sys.executable, "-m", "engine", "--folder", str(folder)]
    ended = subprocess.run(command, input=text, capture_output=True, text=True, timeout=HANG_SECONDS, check=True)
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_the_first_message_is_ready_with_a_service_for_every_task(tmp_path: Path) -> None:
    ready, idle = run_by_hand(tmp_path)
    assert ready["type"] == "ready"
    assert {service["task"] for service in ready["services"]} == set(TASKS)
    assert idle["type"] == "held"


def test_a_worker_whose_gpu_is_missing_says_so_and_exits(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "engine", "--folder", str(tmp_path), "--device", "cuda:77"]
    ended = subprocess.run(command, input="", capture_output=True, text=True, timeout=HANG_SECONDS, check=False)
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["why"] == {
        "template": "The GPU {device} is no longer available. Check nvidia-smi.",
        "facts": {"device": "cuda:77"},
        "plural": "",
    }


def test_the_first_line_holds_the_settings_when_there_are_no_arguments(tmp_path: Path) -> None:
    settings = WorkerSettings(folder=tmp_path, tasks=("echo",), idle=60)
    ended = subprocess.run(
        [sys.executable, "-m", "engine"],
        input=settings.model_dump_json() + "\n",
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    ready = json.loads(ended.stdout.splitlines()[0])
    assert [service["task"] for service in ready["services"]] == ["echo"]
    assert ended.returncode == 0


@pytest.mark.parametrize("line", ["", '{"type": "settings", "memory": -1}', '{"wish": "my secret"}', "my secret"])
def test_settings_that_are_not_valid_are_reported_and_not_logged(line: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "engine"],
        input=line + "\n",
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert (ended.returncode, json.loads(ended.stdout)["type"]) == (2, "unfit")
    assert "secret" not in ended.stderr


def test_options_override_the_settings_that_are_given_by_hand(tmp_path: Path) -> None:
    arguments = [
        "--settings",
        '{"folder": "elsewhere", "idle": 5}',
        "--folder",
        str(tmp_path),
        "--model",
        "imagine=pocket",
    ]
    settings = _settings_by_hand(_parse_arguments(arguments))
    assert settings == WorkerSettings(folder=tmp_path, idle=5, models={"imagine": "pocket"})


@pytest.mark.parametrize("params", [{"seconds": 600}, {"fault": "hang"}])
def test_it_exits_when_its_input_ends_even_during_a_job(tmp_path: Path, params: dict[str, object]) -> None:
    command = [sys.executable, "-m", "engine", "--folder", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdin
        assert worker.stdout
        worker.stdin.write(json.dumps({"type": "run", "job": "1", "task": "echo", "params": params}) + "\n")
        worker.stdin.flush()
        while json.loads(worker.stdout.readline())["type"] != "started":
            pass
        worker.stdin.close()
        assert worker.wait(timeout=HANG_SECONDS) in (0, 1)


def test_a_job_that_is_cancelled_before_it_begins_never_runs(tmp_path: Path) -> None:
    slow = {"type": "run", "job": "1", "task": "echo", "params": {"seconds": 600}}
    next_one = {"type": "run", "job": "2", "task": "echo", "params": {"text": "never"}}
    messages = run_by_hand(tmp_path, slow, next_one, {"type": "cancel", "job": "2"}, {"type": "cancel", "job": "1"})
    assert not any(message.get("type") == "done" for message in messages)


def test_output_of_libraries_does_not_mix_with_messages(tmp_path: Path) -> None:
    script = (
        "import sys, os; sys.argv = ['engine', '--folder', sys.argv[1]]\n"
        "from engine import __main__ as program\n"
        "wire = program._take_stdout(); os.system('echo chatter'); print('chatter', flush=True); wire.write(b'kept')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, timeout=HANG_SECONDS, check=True
    )
    assert ended.stdout == "kept"
    assert "chatter" in ended.stderr


@pytest.mark.parametrize("line", ['{"type": "run", "job": "1", "wish": "my secret"}', "my secret"])
def test_it_exits_on_an_unreadable_message_and_does_not_log_it(tmp_path: Path, line: str) -> None:
    command = [sys.executable, "-m", "engine", "--folder", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as worker:
        assert worker.stdin
        assert worker.stderr
        worker.stdin.write(line + "\n")
        worker.stdin.flush()
        assert worker.wait(timeout=HANG_SECONDS) == 1
        log = worker.stderr.read()
    assert "unreadable message" in log
    assert "secret" not in log


def test_child_processes_end_with_the_worker() -> None:
    script = (
        "import subprocess; from engine.worker.loop import exit_now; "
        "print(subprocess.Popen(['sleep', '60']).pid, flush=True)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", f"{script}; exit_now(3)"],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert ended.returncode == 3
    while not gone(int(ended.stdout)):
        time.sleep(0.01)  # a killed process takes a moment to end


def test_a_log_that_cannot_be_written_stops_no_job(tmp_path: Path) -> None:
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
            message = json.loads(worker.stdout.readline())
            ends += [message["type"]] if message["type"] in {"done", "failed"} else []
        worker.stdin.close()
        worker.wait(timeout=HANG_SECONDS)
    assert ends == ["failed", "done"]
