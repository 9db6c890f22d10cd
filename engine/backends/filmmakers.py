"""What films are made with here: the painter, the voices and the listener that other tasks stand on, and FFmpeg."""

from engine.backends import painters, voice, whisper
from engine.film.film import VERSION
from engine.task import EngineSettings
from engine.wire import Service


def choose(task: str, settings: EngineSettings) -> Service:
    """The tier is the painter's. The model's identity is that of all who take part, so that no cached film is stale."""
    painter, listener = painters.choose(settings), whisper.choose(settings)
    return Service(
        task=task,
        version=VERSION * 10000 + painter.version * 100 + listener.version,
        backend=f"{painter.backend} + ffmpeg",
        tier=painter.tier,
        model=f"{painter.model}, {voice.identity(settings.weights)}, {listener.model}",
        why=painter.why,
    )
