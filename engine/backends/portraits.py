"""Who moves a portrait: LivePortrait's networks (full tier) or the face's own mesh (embedded)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, Protocol

from engine import weights
from engine.backends import voice
from engine.errors import Sentence
from engine.task import EngineSettings
from engine.wire import Service

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.animate.motion import Motion
    from engine.animate.wishes import Wishes
    from engine.backends.faces.face import Face

    Picture = NDArray[np.uint8]

Tier = Literal["embedded", "full"]

FACES = "mediapipe-faces"
VERSION = 1


class Painter(Protocol):
    """Loaded networks. `name` says which they are."""

    @property
    def size(self) -> int: ...

    @property
    def name(self) -> str: ...

    def close(self) -> None: ...

    def faces(self, picture: "Picture") -> "tuple[Face, ...]": ...

    def frames(self, picture: "Picture", face: "Face", motion: "Motion", wishes: "Wishes") -> "Iterator[Picture]": ...


def choose(settings: EngineSettings) -> Service:
    """The backend for `animate`."""
    return _service(settings, "mesh", "embedded", Sentence(template="The portrait's own mesh is moved, on the CPU."))


def load(settings: EngineSettings) -> Painter:
    """The painter that `choose` names. Raises MissingModel."""
    from engine.backends.portrait.painter import MeshPainter  # loads NumPy and OpenCV

    weights.fetch(weights.named(FACES), settings.weights)
    return MeshPainter(settings.weights)


def _service(settings: EngineSettings, backend: str, tier: Tier, why: Sentence) -> Service:
    """Its model's identity names the voices too: a text that another voice speaks is another video."""
    model = f"{backend}, voices {voice.identity(settings.weights)}"
    return Service(task="animate", version=VERSION, backend=backend, tier=tier, model=model, why=why)
