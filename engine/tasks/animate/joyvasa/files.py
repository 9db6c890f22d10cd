"""Locates JoyVASA's files."""

import hashlib
from pathlib import Path

from engine.core.errors import MissingModel
from engine.core.settings import WorkerSettings
from engine.weights import registry

NAME = "joyvasa"
ENVELOPE = "envelope"
"""Value of `models.motion` for motion without a network."""
GENERATOR = "motion_generator/motion_generator_hubert_chinese.pt"
TEMPLATE = "motion_template/motion_template.pkl"
ENCODER = "chinese-hubert-base/config.json"
"""The audio encoder's configuration, if it is not the usual one. Its weights are in the generator's file."""


def folder(settings: WorkerSettings) -> Path | None:
    """Return the folder that `models.motion` selects, or None if the motion comes from the sound's envelope.

    Raises MissingModel if JoyVASA is configured but missing.
    """
    wanted = settings.models.get("motion", "auto")
    if wanted == ENVELOPE:
        return None
    place = settings.weights / NAME if wanted in ("auto", NAME) else Path(wanted).expanduser()
    lacking = missing(place)
    if lacking and wanted == NAME:
        registry.fetch(registry.find_weight(NAME), settings.weights)
    elif lacking and wanted != "auto":
        raise MissingModel(
            "JoyVASA is incomplete: {names} missing. Check models.motion in config.toml.", names=", ".join(lacking)
        )
    return None if missing(place) else place


def identity(settings: WorkerSettings) -> str:
    """Return the identity of the source of motion: JoyVASA with the sizes of its files, or the envelope."""
    wanted = settings.models.get("motion", "auto")
    place = settings.weights / NAME if wanted in ("auto", NAME) else Path(wanted).expanduser()
    if wanted == ENVELOPE or (missing(place) and wanted != NAME):
        return ENVELOPE
    sizes = [(place / name).stat().st_size for name in (GENERATOR, TEMPLATE) if (place / name).is_file()]
    return f"{NAME}-{hashlib.sha256(repr(sizes).encode()).hexdigest()[:8]}"


def missing(place: Path) -> tuple[str, ...]:
    """Return the required files that are not in the folder `place`."""
    return tuple(name for name in (GENERATOR, TEMPLATE) if not (place / name).is_file())


def unfit(name: str) -> MissingModel:
    """Return the error for a file `name` that is not JoyVASA's."""
    return MissingModel(
        "{name} is not a complete JoyVASA file. Check models.motion in config.toml.",
        name=name,
    )
