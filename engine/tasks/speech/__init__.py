"""Text to speech: one `Speaker`, for every task. Piper's voices where their weights are, eSpeak NG for the rest."""

from engine.tasks.speech.synthesis import Speaker, SynthesizedSpeech, find_voice, load, save, wav
from engine.tasks.speech.voices import identity

__all__ = ["Speaker", "SynthesizedSpeech", "find_voice", "identity", "load", "save", "wav"]
