"""Who makes pictures come alive by diffusion: LTX-Video (full tier). Without it the camera alone moves."""

from importlib.util import find_spec

from engine.core.errors import MissingModel, UserMessage
from engine.core.task import EngineSettings
from engine.tasks.text_to_video.contract import VideoGenerator
from engine.tasks.text_to_video.ltx.checkpoint import WEIGHT, checkpoint
from engine.weights import registry

CAMERA = "camera"
"""What `models.video` is for an owner who wants no diffusion."""

VERSION = 1
"""Of clips: raised when the same wish would come out differently."""


def identity(settings: EngineSettings) -> str:
    """The model that makes clips here; empty where none does."""
    return "" if obstacle(settings) else f"{checkpoint(settings).name}-{VERSION}"


def obstacle(settings: EngineSettings) -> UserMessage | None:
    """Why there are no clips here; None where the owner named a model, or device, libraries and weights allow it."""
    wanted = settings.models.get("video", "auto")
    if wanted == CAMERA:
        return UserMessage(template="config.toml asks for the camera alone.")
    if wanted != "auto":
        return None
    if not settings.device.startswith("cuda"):
        return UserMessage(template="There is no NVIDIA GPU here, so the camera alone moves.")
    if any(find_spec(name) is None for name in ("torch", "diffusers")):
        return UserMessage(template="There is a GPU, but torch is not installed: run scripts/setup --full.")
    if not registry.find_weight(WEIGHT).is_complete(settings.weights):
        return UserMessage(
            template="There is a GPU, but LTX-Video is not here: run python -m engine weights --fetch ltx-video."
        )
    return None


def why(settings: EngineSettings) -> UserMessage:
    """Why there are clips here, or why not."""
    if settings.models.get("video", "auto") not in ("auto", CAMERA):
        return UserMessage(template="config.toml asks for it.")
    return obstacle(settings) or UserMessage(template="There is a GPU, and LTX-Video is here.")


def load(settings: EngineSettings) -> VideoGenerator:
    """Raises MissingModel, and where nobody makes clips says why."""
    if (missing := obstacle(settings)) is not None:
        raise MissingModel(missing.template, **missing.facts)
    from engine.tasks.text_to_video.ltx.generator import LtxVideoGenerator  # loads torch

    return LtxVideoGenerator(settings)
