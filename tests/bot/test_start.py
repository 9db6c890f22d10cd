"""`python -m bot` when it cannot start: it says why and exits."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.data_dir import lock_data_dir
from engine.core.errors import AtelierError
from tests.ports import free_port
from tests.timing import HANG_SECONDS

ROOT = Path(__file__).parents[2]


def run_bot(folder: Path, settings: str) -> subprocess.CompletedProcess[str]:
    """Run the whole program until it exits by itself."""
    config = folder / "config.toml"
    config.write_text(settings)
    quiet = {name: value for name, value in os.environ.items() if not name.endswith("_TOKEN")}
    command = [sys.executable, "-m", "bot", "--config", str(config)]
    return subprocess.run(command, check=False, env=quiet, capture_output=True, text=True, timeout=HANG_SECONDS)


def refusal(ended: subprocess.CompletedProcess[str]) -> str:
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    return ended.stderr.splitlines()[-1]


def test_a_second_studio_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with lock_data_dir(data):
        said = refusal(run_bot(tmp_path, f'bot.data_dir = "{data}"\nweb.port = 0\n'))
    assert said.startswith(f"atelier: Another studio is using the data folder {data}. Stop it first")


@pytest.mark.parametrize("there", [False, True])
def test_only_its_owner_can_read_the_folder(tmp_path: Path, there: bool) -> None:
    data = tmp_path / "data"
    if there:
        data.mkdir(mode=0o755)
    with lock_data_dir(data):
        assert data.stat().st_mode & 0o777 == 0o700


def test_the_lock_of_a_killed_studio_is_released(tmp_path: Path) -> None:
    held_and_killed = "with lock_data_dir(Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    hold = f"import os, sys; from pathlib import Path; from bot.data_dir import lock_data_dir\n{held_and_killed}"
    assert subprocess.run([sys.executable, "-c", hold, str(tmp_path)], check=False).returncode == -9
    with lock_data_dir(tmp_path):
        pass


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AtelierError, match=r"data folder .*/file/data: Not a directory\. Fix that"):
        lock_data_dir(tmp_path / "file" / "data").__enter__()


def test_a_studio_that_nobody_can_reach_exits_and_says_why(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run_bot(tmp_path, f'bot.data_dir = "{tmp_path / "data"}"\nweb.port = {port}\nengine.device = "cpu"\n')
    assert (
        refusal(ended)
        == "atelier: No platform is running, so nobody can reach this studio. The log says why each one is off."
    )
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stdout + ended.stderr


def test_the_health_check_asks_the_address_in_the_settings(tmp_path: Path) -> None:
    port = free_port()
    settings = f'bot.data_dir = "{tmp_path / "data"}"\nweb.port = {port}\nengine.device = "cpu"\n'
    (tmp_path / "config.toml").write_text(settings)
    assert "Connection refused" in run_health_check(tmp_path).stderr
    with running_bot(tmp_path):
        while run_health_check(tmp_path).returncode:
            time.sleep(0.1)
        assert run_health_check(tmp_path, http_proxy="http://127.0.0.1:9", no_proxy="").returncode == 0
    assert run_health_check(tmp_path).returncode == 1


def test_a_studio_without_a_web_page_is_healthy(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("web.enabled = false\n")
    assert run_health_check(tmp_path).returncode == 0


def run_health_check(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command, environment = [sys.executable, "-m", "bot.health"], {"PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        command, cwd=folder, env=os.environ | environment, check=False, capture_output=True, text=True
    )


@contextmanager
def running_bot(folder: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "bot"]
    with subprocess.Popen(
        command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL
    ) as one:
        try:
            yield
        finally:
            one.terminate()


def test_a_configured_gpu_that_does_not_exist_is_named(tmp_path: Path) -> None:
    said = refusal(
        run_bot(tmp_path, f'bot.data_dir = "{tmp_path / "data"}"\nweb.port = 0\nengine.device = "cuda:99"\n')
    )
    assert said.startswith("atelier: engine.device in config.toml is cuda:99, but this machine doesn't have it. ")


SLOW = """
import sys, time
from contextlib import contextmanager
import bot.__main__ as program
from engine.core.errors import AtelierError

@contextmanager
def hold_the_loop(folder):
    time.sleep(0.4)
    raise AtelierError("Enough.")
    yield

program.lock_data_dir = hold_the_loop
sys.exit(program.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("flags", [[], ["--debug"]])
def test_in_debug_mode_the_log_names_what_blocks_the_event_loop(flags: list[str], tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(f'bot.data_dir = "{tmp_path}"\n')
    command = [sys.executable, "-c", SLOW, "--config", str(tmp_path / "config.toml"), *flags]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=HANG_SECONDS, cwd=ROOT)
    assert ended.returncode == 2
    assert ended.stderr.endswith("atelier: Enough.\n")
    assert ("the event loop was blocked" in ended.stderr and "in hold_the_loop" in ended.stderr) == bool(flags)
