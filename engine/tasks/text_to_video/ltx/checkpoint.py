"""Resolves the LTX-Video checkpoint: the catalogue's, a folder, or a hub repository. Loads nothing heavy."""

from dataclasses import dataclass
from pathlib import Path

from engine.core.settings import WorkerSettings
from engine.weights import fingerprint, registry

WEIGHT = "ltx-video"
"""Catalogue entry of LTX-Video."""
NAMES = ("auto", "ltx")
"""Values of `models.video` for that entry."""


@dataclass(frozen=True)
class Checkpoint:
    """`source` is a folder, or a hub repository at `revision`. A `distilled` checkpoint takes few steps and no
    guidance.
    """

    name: str
    source: str
    revision: str | None
    distilled: bool

    @property
    def local(self) -> bool:
        """Return whether the source is a folder."""
        return Path(self.source).is_dir()


def checkpoint(settings: WorkerSettings) -> Checkpoint:
    """Return the configured checkpoint, or the catalogue's at its pinned revision."""
    named = settings.models.get("video", "auto")
    pinned = registry.find_weight(WEIGHT).hub
    folder = Path(named).expanduser()
    if folder.is_dir():
        return Checkpoint(fingerprint.name_with_fingerprint(folder), str(folder), None, _is_distilled_name(folder.name))
    if named in (*NAMES, pinned.hub):
        name, weight = pinned.hub.rpartition("/")[2], registry.find_weight(WEIGHT)
        fetched = str(weight.path(settings.weights)) if weight.is_complete(settings.weights) else pinned.hub
        return Checkpoint(name, fetched, pinned.revision, distilled=False)
    return Checkpoint(named, named, None, _is_distilled_name(named))


def _is_distilled_name(name: str) -> bool:
    return "distilled" in name.lower()
