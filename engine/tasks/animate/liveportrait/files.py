"""Locates LivePortrait's files and reports missing ones."""

import hashlib
from pathlib import Path

from engine.core.errors import MissingModel
from engine.core.settings import WorkerSettings
from engine.weights import registry
from engine.weights.download import HubSource

FOLDER = "liveportrait"
"""Folder of the networks under the weights folder."""
TORCH = (
    "appearance_feature_extractor.safetensors",
    "motion_extractor.safetensors",
    "warping_module.safetensors",
    "spade_generator.safetensors",
    "stitching_retargeting_module.safetensors",
)
"""Files of the torch version."""
ONNX = (
    "appearance_feature_extractor.onnx",
    "motion_extractor.onnx",
    "warping_spade.onnx",
    "stitching.onnx",
    "stitching_eye.onnx",
    "stitching_lip.onnx",
)
"""Files of the ONNX version."""


def missing(folder: Path) -> tuple[str, ...]:
    """Return the missing files of the more complete version, or nothing if either is complete."""
    torch, onnx = (tuple(name for name in names if not (folder / name).is_file()) for names in (TORCH, ONNX))
    return torch if len(torch) / len(TORCH) <= len(onnx) / len(ONNX) else onnx


def in_onnx(folder: Path) -> bool:
    """Return whether to load the ONNX version. Complete safetensors come first."""
    return any(not (folder / name).is_file() for name in TORCH)


def check(folder: Path) -> None:
    """Raise MissingModel naming each missing file."""
    if lacking := missing(folder):
        template = "LivePortrait is incomplete: {names} missing. See the README for where they go."
        raise MissingModel(template, names=", ".join(lacking))


def folder(settings: WorkerSettings, *, fetch: bool = False) -> Path:
    """Return the configured folder, or the one under the weights. With `fetch`, download a hub repository first."""
    named = settings.models.get("animate", "auto")
    if named in {"auto", "mesh", FOLDER}:
        if fetch and missing(settings.weights / FOLDER):
            registry.fetch(registry.find_weight(FOLDER), settings.weights)
        return settings.weights / FOLDER
    path = Path(named).expanduser()
    if path.is_dir() or named.count("/") != 1 or not fetch:
        return path
    return _fetch(named)


def identity(settings: WorkerSettings) -> str:
    """Return the identity of the networks: their name with the sizes of their files, or a repository's name."""
    place = folder(settings)
    sizes = {name: (place / name).stat().st_size for name in (*TORCH, *ONNX) if (place / name).is_file()}
    if not sizes:
        return settings.models.get("animate", FOLDER)
    return f"{FOLDER}-{hashlib.sha256(repr(sorted(sizes.items())).encode()).hexdigest()[:8]}"


def _fetch(named: str) -> Path:
    """Download `named`, a repository or a repository@revision. The catalogue's is pinned to its revision."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    pinned = {
        source.hub: source.revision for source in registry.find_weight(FOLDER).sources if isinstance(source, HubSource)
    }
    repository, _, revision = named.partition("@")
    revision = revision or pinned.get(repository, "main")
    try:
        return Path(snapshot_download(repository, revision=revision, allow_patterns=[*TORCH, *ONNX]))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise MissingModel(
            "{name} cannot be downloaded from the model hub. Check your network and models.animate in config.toml.",
            name=repository,
        ) from error
