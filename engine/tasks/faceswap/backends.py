"""Who swaps faces here: InsightFace's networks (full tier) or the mesh of MediaPipe's points (embedded)."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.errors import MissingModel, UserMessage
from engine.core.protocol import Capability
from engine.core.task import EngineSettings
from engine.weights import fingerprint, registry

if TYPE_CHECKING:
    from engine.tasks.faceswap.contract import Swapper

VERSION = 2
"""Of the task: raised when the same parameters would come out differently."""
MESH, INSWAPPER = "mesh", "inswapper"
FULL = ("buffalo_l", "inswapper_128")
"""Entries of weights.toml."""

ASKED = UserMessage(template="config.toml asks for InsightFace, whose weights are for non-commercial research only.")
HERE = UserMessage(template="There is a GPU, and InsightFace's weights are here: for non-commercial research only.")


def choose(settings: EngineSettings) -> Capability:
    """The backend for `faceswap`: what the owner named; for `auto` InsightFace where device, libraries, weights and the
    owner's word on their licence allow.
    """
    wanted = settings.models.get("faceswap", "auto")
    if wanted == MESH:
        return _mesh(UserMessage(template="config.toml asks for it."))
    if wanted != "auto":
        return _inswapper(wanted, ASKED)
    obstacle = _obstacle(settings)
    if obstacle is not None:
        return _mesh(obstacle)
    return _inswapper(INSWAPPER, HERE)


def load(settings: EngineSettings) -> "Swapper":
    """The swapper that `choose` names. Raises MissingModel."""
    if choose(settings).backend == MESH:
        from engine.tasks.faceswap.mesh.swapper import MeshSwapper  # loads LiteRT and OpenCV

        registry.fetch(registry.find_weight("mediapipe-faces"), settings.weights)
        return MeshSwapper(settings.weights)
    folder = _folder(settings)
    from engine.tasks.faceswap.inswapper.swapper import InsightSwapper  # loads torch and ONNX Runtime

    return InsightSwapper(folder, settings.device)


def _mesh(why: UserMessage) -> Capability:
    return Capability(task="faceswap", version=VERSION, backend=MESH, tier="embedded", model="mediapipe-468", why=why)


def _inswapper(wanted: str, why: UserMessage) -> Capability:
    model = (
        "inswapper_128"
        if wanted == INSWAPPER
        else fingerprint.name_with_fingerprint(Path(wanted).expanduser(), "*.onnx")
    )
    return Capability(task="faceswap", version=VERSION, backend=INSWAPPER, tier="full", model=model, why=why)


def _obstacle(settings: EngineSettings) -> UserMessage | None:
    """Why `auto` cannot take the full tier."""
    if not settings.device.startswith("cuda"):
        return UserMessage(
            template="There is no NVIDIA GPU here, so faces are swapped by MediaPipe's mesh of 468 points."
        )
    if any(find_spec(name) is None for name in ("torch", "insightface")):
        return UserMessage(template="There is a GPU, but torch is not installed: run scripts/setup --full.")
    if not settings.noncommercial:
        return UserMessage(
            template="InsightFace's weights are for non-commercial research only: to use them, set"
            " models.accept_noncommercial_weights = true in config.toml."
        )
    if all(registry.find_weight(name).is_complete(settings.weights) for name in FULL):
        return None
    return UserMessage(
        template="There is a GPU, but InsightFace's weights are not here: run python -m engine weights --fetch"
        " buffalo_l inswapper_128 --accept-noncommercial-weights."
    )


def _folder(settings: EngineSettings) -> Path:
    """Raises MissingModel where the owner has not accepted the licence, or the weights cannot be had."""
    if not settings.noncommercial:
        raise MissingModel(
            "InsightFace's weights are for non-commercial research only. To use them, set"
            ' models.accept_noncommercial_weights = true in config.toml; or set models.faceswap = "mesh".'
        )
    wanted = settings.models.get("faceswap", "auto")
    if wanted not in ("auto", INSWAPPER):
        return Path(wanted).expanduser()
    for name in FULL:
        registry.fetch(registry.find_weight(name), settings.weights, accepts_noncommercial=True)
    return registry.path_or_raise("inswapper_128", settings.weights).parent
