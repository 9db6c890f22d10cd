"""Text to speech: one `Speaker`, for every task. Piper's voices where their weights are, eSpeak NG for the rest."""

from engine.tasks.speech.synthesis import Speaker, Spoken, called, load, save, wav
from engine.tasks.speech.voices import identity

__all__ = ["Speaker", "Spoken", "called", "identity", "load", "save", "wav"]
