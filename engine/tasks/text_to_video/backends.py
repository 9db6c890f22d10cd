"""The backends that turn pictures or words into clips: LTX-Video (full tier), or none, where only the camera moves."""

from engine.core.errors import MissingModel, UserMessage
from engine.core.settings import WorkerSettings
from engine.tasks.backend import Backend, Backends
from engine.tasks.text_to_video.contract import VideoGenerator
from engine.tasks.text_to_video.ltx.checkpoint import WEIGHT, checkpoint

VERSION = 1
"""Version of the clips. Raise it when the same request gives another clip, so that no cached one is used."""


def _load_ltx(settings: WorkerSettings) -> VideoGenerator:
    from engine.tasks.text_to_video.ltx.generator import LtxVideoGenerator  # loads torch

    return LtxVideoGenerator(settings)


def _raise_reason(settings: WorkerSettings) -> VideoGenerator:
    raise MissingModel.of(why(settings))


LTX = Backend(
    name="ltx",
    title="LTX-Video",
    tier="full",
    requirements=("torch", "diffusers"),
    weights=(WEIGHT,),
    needs_gpu=True,
    identity=lambda settings: f"{checkpoint(settings).name}-{VERSION}",
    load=_load_ltx,
)
CAMERA = Backend(name="camera", title="camera", tier="embedded", identity=lambda _: "", load=_raise_reason)
"""No model: films are made of pictures under a moving camera."""

BACKENDS = Backends("text_to_video", VERSION, (LTX, CAMERA), setting="video")
load = BACKENDS.load


def identity(settings: WorkerSettings) -> str:
    """Return the identity of the model that makes clips here, "" where there is none."""
    return BACKENDS.select(settings)[0].identity(settings)


def why(settings: WorkerSettings) -> UserMessage:
    """Return the reason why clips can be made here, or why they cannot."""
    return BACKENDS.select(settings)[1]
