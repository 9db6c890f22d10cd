"""Which voice speaks a language: those of Piper that lie in the weights folder, or eSpeak NG's."""

from pathlib import Path

from engine.tasks.speech.piper import VERSION, PiperVoice

FOLDER = "voices"
"""Where Piper's voices lie under the weights folder; one that the owner drops in is found by its name."""
SEXES = {"joe": "man", "lessac": "woman", "amy": "woman", "davefx": "man", "claude": "woman", "siwis": "woman"}
"""Of Piper's voices, by the second part of the name."""


def list_voices(weights: Path) -> list[PiperVoice]:
    found = sorted((weights / FOLDER).glob("*.onnx"))
    return [PiperVoice(path) for path in found if path.with_name(path.name + ".json").is_file()]


def sex_of(voice: PiperVoice) -> str:
    parts = voice.name.split("-")
    return SEXES.get(parts[1] if len(parts) > 1 else "", "")


def identity(weights: Path) -> str:
    """What a text sounds like here: part of a model's identity, so that cached speech is not another voice's."""
    return "+".join([*(f"{voice.name}@{VERSION}" for voice in list_voices(weights)), f"espeak-ng@{VERSION}"])
