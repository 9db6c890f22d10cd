"""The backends of `subtitle`: Whisper large-v3-turbo (full tier) and Whisper base (embedded)."""

from pathlib import Path

from engine.core.errors import MissingModel
from engine.core.settings import WorkerSettings
from engine.tasks.backend import Backend, Backends
from engine.tasks.subtitle.whisper import BASE, TURBO, Whisper
from engine.weights import fingerprint, registry

VERSION = 2
"""Version of the task. Raise it when the same parameters give another result, so that no cached one is used."""


def _load_entry(name: str, settings: WorkerSettings) -> Whisper:
    registry.fetch(registry.find_weight(name), settings.weights)
    return Whisper(registry.path_or_raise(name, settings.weights), settings.device)


def _load_full(settings: WorkerSettings) -> Whisper:
    """Load large-v3-turbo or the configured folder. Raises MissingModel."""
    folder = _configured_folder(settings)
    if folder is None:
        return _load_entry(TURBO, settings)
    if not (folder / "model.bin").is_file():
        raise MissingModel(
            "There is no Whisper model of CTranslate2 in the folder that models.subtitle names. Look at config.toml."
        )
    return Whisper(folder, settings.device)


def _configured_folder(settings: WorkerSettings) -> Path | None:
    """Return the folder that models.subtitle names, or None where it names none."""
    wanted = settings.models.get("subtitle", "auto")
    return None if wanted in {"auto", "large-v3-turbo"} else Path(wanted).expanduser()


def _full_identity(settings: WorkerSettings) -> str:
    folder = _configured_folder(settings)
    return fingerprint.name_with_fingerprint(folder) if folder else TURBO


LARGE = Backend(
    name="whisper",
    title="Whisper large-v3-turbo",
    tier="full",
    aliases=("large-v3-turbo",),
    weights=(TURBO,),
    needs_gpu=True,
    identity=_full_identity,
    load=_load_full,
)
SMALL = Backend(
    name="whisper",
    title="Whisper base",
    tier="embedded",
    aliases=("base",),
    weights=(BASE,),
    identity=lambda _: BASE,
    load=lambda settings: _load_entry(BASE, settings),
)

BACKENDS = Backends("subtitle", VERSION, (LARGE, SMALL))
choose, load = BACKENDS.choose, BACKENDS.load
