"""The models that films are made with: the image generator, the voices, Whisper and the video model, besides FFmpeg."""

from engine.core.protocol import Capability, NamedChoice, OptionalModel
from engine.core.settings import WorkerSettings
from engine.tasks import speech
from engine.tasks.film.camera import depth_reader
from engine.tasks.film.film import VERSION
from engine.tasks.film.scripts.script import MOTIONS
from engine.tasks.imagine import backends as painters
from engine.tasks.subtitle import backends as transcribers
from engine.tasks.text_to_video import backends as clips

OTHERS = {"voice": speech.load, "depth": depth_reader.load}
"""Models that a film loads besides the image generator, by their names in the model pool."""


def choose(task: str, settings: WorkerSettings) -> Capability:
    """The tier is the painter's. The model's identity is that of all who take part, so that no cached film is stale."""
    generator, listener = painters.choose(settings), transcribers.choose(settings)
    return Capability(
        task=task,
        version=VERSION * 10000 + generator.version * 100 + listener.version,
        backend=f"{generator.backend} + ffmpeg",
        tier=generator.tier,
        model=f"{generator.model}, {speech.identity(settings.weights)}, {listener.model}",
        why=generator.why,
        offers={"motion": _motions(task, settings)},
        extras={"motion live": OptionalModel(model=clips.identity(settings), why=clips.why(settings))},
    )


def _motions(task: str, settings: WorkerSettings) -> dict[str, NamedChoice]:
    """Return the motions, each with the identity of the model that it uses, if any.

    `live` is only offered if there is a video model. With `auto`, that model also animates a video, but of the scenes
    of a film only those that ask for it; `auto` may also choose parallax, which uses the depth network if there is one.
    """
    model, depth = clips.identity(settings), depth_reader.identity(settings)
    told_nothing = [each for each in (model if task == "video" else "", depth) if each]
    moved = {"live": model, "parallax": depth, "auto": " ".join(told_nothing)}
    return {name: NamedChoice(identity=moved.get(name, "")) for name in MOTIONS if model or name != "live"}
