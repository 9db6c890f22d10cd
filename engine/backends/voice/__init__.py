"""Text to speech: one `Speaker`, for every task. Piper's voices where their weights are, eSpeak NG for the rest."""

from engine.backends.voice.speech import Speaker, Spoken, called, load, save, wav
from engine.backends.voice.voices import identity, language_of

__all__ = ["Speaker", "Spoken", "called", "identity", "language_of", "load", "save", "wav"]
