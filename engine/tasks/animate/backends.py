"""The backends of `animate`: LivePortrait's networks (full tier) and a mesh over the portrait's face (embedded)."""

from engine.core.settings import WorkerSettings
from engine.tasks import speech
from engine.tasks.animate.contract import PortraitAnimator
from engine.tasks.animate.joyvasa import files as joyvasa
from engine.tasks.animate.liveportrait import files
from engine.tasks.backend import Backend, Backends
from engine.weights import registry

FACES = "mediapipe-faces"
"""Catalogue entry with the face networks that both backends need."""

VERSION = 2
"""Version of the task. Raise it when the same parameters give another video, so that no cached one is used."""


def _identity(settings: WorkerSettings, networks: str) -> str:
    """Return an identity that includes the voices, since another voice makes another video."""
    return f"{networks}, voices {speech.identity(settings.weights)}"


def _live_identity(settings: WorkerSettings) -> str:
    """Return an identity that includes the network that turns speech into motion."""
    return _identity(settings, f"{files.identity(settings)}, motion {joyvasa.identity(settings)}")


def _load_live(settings: WorkerSettings) -> PortraitAnimator:
    from engine.tasks.animate.liveportrait.animator import LivePortraitAnimator  # loads torch

    registry.fetch(registry.find_weight(FACES), settings.weights)
    folder = files.folder(settings, fetch=True)
    return LivePortraitAnimator(folder, settings.weights, settings.device, joyvasa.folder(settings))


def _load_mesh(settings: WorkerSettings) -> PortraitAnimator:
    from engine.tasks.animate.mesh.animator import MeshAnimator  # loads NumPy and OpenCV

    registry.fetch(registry.find_weight(FACES), settings.weights)
    return MeshAnimator(settings.weights)


LIVE_PORTRAIT = Backend(
    name="liveportrait",
    title="LivePortrait",
    tier="full",
    requirements=("torch",),
    weights=("liveportrait",),
    needs_gpu=True,
    has_weights=lambda settings: not files.missing(files.folder(settings)),
    identity=_live_identity,
    load=_load_live,
)
MESH = Backend(
    name="mesh",
    title="mesh",
    tier="embedded",
    weights=(FACES,),
    identity=lambda settings: _identity(settings, "mesh"),
    load=_load_mesh,
)

BACKENDS = Backends("animate", VERSION, (LIVE_PORTRAIT, MESH))
choose, load = BACKENDS.choose, BACKENDS.load
