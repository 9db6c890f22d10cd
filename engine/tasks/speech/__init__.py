"""Text to speech for every task, through one `Speaker`: Piper voices where installed, otherwise eSpeak NG."""

from engine.tasks.speech.synthesis import Speaker, SynthesizedSpeech, encode_wav, find_voice, load, save_wav
from engine.tasks.speech.voices import identity

__all__ = ["Speaker", "SynthesizedSpeech", "encode_wav", "find_voice", "identity", "load", "save_wav"]
