"""Who moves a portrait: LivePortrait's networks (full tier) or the face's own mesh (embedded)."""

from importlib.util import find_spec
from typing import Literal

from engine.core.errors import UserMessage
from engine.core.protocol import Capability
from engine.core.task import EngineSettings
from engine.tasks import speech
from engine.tasks.animate.contract import PortraitAnimator
from engine.tasks.animate.joyvasa import files as joyvasa
from engine.tasks.animate.liveportrait import files
from engine.weights import registry

Tier = Literal["embedded", "full"]

FACES = "mediapipe-faces"

VERSION = 2


def choose(settings: EngineSettings) -> Capability:
    """The backend for `animate`: what the owner named; for `auto` LivePortrait where device and weights allow."""
    wanted = settings.models.get("animate", "auto")
    asked = UserMessage(template="config.toml asks for it.")
    if wanted == "mesh":
        return _mesh(settings, asked)
    if wanted != "auto":
        return _live(settings, asked)
    obstacle = _obstacle(settings)
    if obstacle is None:
        return _live(settings, UserMessage(template="There is a GPU, and LivePortrait's networks are here."))
    return _mesh(settings, obstacle)


def load(settings: EngineSettings) -> PortraitAnimator:
    """The painter that `choose` names. Raises MissingModel."""
    registry.fetch(registry.find_weight(FACES), settings.weights)
    if choose(settings).backend == "mesh":
        from engine.tasks.animate.mesh.animator import MeshAnimator  # loads NumPy and OpenCV

        return MeshAnimator(settings.weights)
    from engine.tasks.animate.liveportrait.animator import LivePortraitAnimator  # loads torch

    folder = files.folder(settings, fetch=True)
    return LivePortraitAnimator(folder, settings.weights, settings.device, joyvasa.folder(settings))


def _mesh(settings: EngineSettings, why: UserMessage) -> Capability:
    return _service(settings, "mesh", "embedded", "mesh", why)


def _live(settings: EngineSettings, why: UserMessage) -> Capability:
    """What turns speech to motion is a part of the model's identity: with another the video is another."""
    name = f"{files.identity(settings)}, motion {joyvasa.identity(settings)}"
    return _service(settings, "liveportrait", "full", name, why)


def _obstacle(settings: EngineSettings) -> UserMessage | None:
    """What `auto` lacks for LivePortrait."""
    if not settings.device.startswith("cuda"):
        return UserMessage(template="There is no NVIDIA GPU here, so the portrait's own mesh is moved, on the CPU.")
    if find_spec("torch") is None:
        return UserMessage(template="There is a GPU, but torch is not installed: run scripts/setup --full.")
    if lacking := files.missing(files.folder(settings)):
        return UserMessage(
            template="There is a GPU, but LivePortrait is not whole: {names} missing. Fetch it with: python -m engine"
            " weights --fetch liveportrait",
            facts={"names": ", ".join(lacking)},
        )
    return None


def _service(settings: EngineSettings, backend: str, tier: Tier, name: str, why: UserMessage) -> Capability:
    """Its model's identity names the voices too: a text that another voice speaks is another video."""
    model = f"{name}, voices {speech.identity(settings.weights)}"
    return Capability(task="animate", version=VERSION, backend=backend, tier=tier, model=model, why=why)
