"""Text to speech: one `Speaker`, for every task. Piper's voices where their weights are, eSpeak NG for the rest."""

from engine.backends.voice.speech import Speaker, Spoken, called, load, save, wav
from engine.backends.voice.voices import identity

__all__ = ["Speaker", "Spoken", "called", "identity", "load", "save", "wav"]
