"""Who swaps faces here: InsightFace's networks (full tier) or the mesh of MediaPipe's points (embedded)."""

from typing import TYPE_CHECKING

from engine import weights
from engine.errors import Sentence
from engine.task import EngineSettings
from engine.wire import Service

if TYPE_CHECKING:
    from engine.backends.faceswap.swapper import Swapper

VERSION = 1
"""Of the task: raised when the same parameters would come out differently."""
MESH = "mesh"


def choose(settings: EngineSettings) -> Service:
    """The backend for `faceswap`: what the owner named, or what can be had here."""
    asked = settings.models.get("faceswap", "auto") == MESH
    why = "config.toml asks for it." if asked else "Faces are swapped by MediaPipe's mesh of 468 points."
    model = "mediapipe-468"
    return Service(
        task="faceswap", version=VERSION, backend=MESH, tier="embedded", model=model, why=Sentence(template=why)
    )


def load(settings: EngineSettings) -> "Swapper":
    """The swapper that `choose` names. Raises MissingModel."""
    from engine.backends.faceswap.embedded import MeshSwapper  # loads LiteRT and OpenCV

    weights.fetch(weights.named("mediapipe-faces"), settings.weights)
    return MeshSwapper(settings.weights)
