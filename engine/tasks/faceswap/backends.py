"""The backends of `faceswap`: InsightFace's networks (full tier) and the mesh of MediaPipe's points (embedded)."""

from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.errors import MissingModel
from engine.core.settings import WorkerSettings
from engine.tasks.backend import Backend, Backends
from engine.weights import fingerprint, registry

if TYPE_CHECKING:
    from engine.tasks.faceswap.contract import Swapper

VERSION = 2
"""Version of the task. Raise it when the same parameters give another result, so that no cached one is used."""

NETWORKS = ("buffalo_l", "inswapper_128")
"""Catalogue entries of InsightFace."""
FACES = "mediapipe-faces"
"""Catalogue entry of the mesh's networks."""


def _inswapper_identity(settings: WorkerSettings) -> str:
    folder = _configured_folder(settings)
    return fingerprint.name_with_fingerprint(folder, "*.onnx") if folder else "inswapper_128"


def _configured_folder(settings: WorkerSettings) -> Path | None:
    """Return the folder that models.faceswap names, or None where it names none."""
    wanted = settings.models.get("faceswap", "auto")
    return None if wanted in {"auto", "inswapper"} else Path(wanted).expanduser()


def _load_inswapper(settings: WorkerSettings) -> "Swapper":
    """Raise MissingModel where the owner has not accepted the licence, or the weights cannot be fetched."""
    if not settings.noncommercial:
        raise MissingModel(
            "InsightFace is for non-commercial research only. In config.toml, set"
            ' models.accept_noncommercial_weights = true, or models.faceswap = "mesh".'
        )
    folder = _configured_folder(settings) or _fetch_networks(settings)
    from engine.tasks.faceswap.inswapper.swapper import InsightSwapper  # loads torch and ONNX Runtime

    return InsightSwapper(folder, settings.device)


def _fetch_networks(settings: WorkerSettings) -> Path:
    for name in NETWORKS:
        registry.fetch(registry.find_weight(name), settings.weights, accepts_noncommercial=True)
    return registry.path_or_raise("inswapper_128", settings.weights).parent


def _load_mesh(settings: WorkerSettings) -> "Swapper":
    from engine.tasks.faceswap.mesh.swapper import MeshSwapper  # loads LiteRT and OpenCV

    registry.fetch(registry.find_weight(FACES), settings.weights)
    return MeshSwapper(settings.weights)


INSIGHT_FACE = Backend(
    name="inswapper",
    title="InsightFace",
    tier="full",
    requirements=("torch", "insightface"),
    weights=NETWORKS,
    needs_gpu=True,
    noncommercial=True,
    identity=_inswapper_identity,
    load=_load_inswapper,
)
MESH = Backend(
    name="mesh",
    title="MediaPipe",
    tier="embedded",
    weights=(FACES,),
    identity=lambda _: "mediapipe-468",
    load=_load_mesh,
)

BACKENDS = Backends("faceswap", VERSION, (INSIGHT_FACE, MESH))
choose, load = BACKENDS.choose, BACKENDS.load
