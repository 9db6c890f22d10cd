"""Text to speech: one `speak`, for every task. Piper's voices where their weights are, eSpeak NG for the rest."""

from engine.backends.voice.speech import Spoken, called, save, speak
from engine.backends.voice.voices import identity, known_language, language_of

__all__ = ["Spoken", "called", "identity", "known_language", "language_of", "save", "speak"]
