"""The Piper voices in the weights folder."""

from pathlib import Path

from engine.tasks.speech.piper import VERSION, PiperVoice

FOLDER = "voices"
"""Folder of the Piper voices in the weights folder. Owners can add voices to it."""
VOICE_SEXES = {"joe": "man", "lessac": "woman", "amy": "woman", "davefx": "man", "claude": "woman", "siwis": "woman"}
"""Value of the option `voice` for Piper voices, by the second part of their name."""


def list_voices(weights: Path) -> list[PiperVoice]:
    """Return the voices whose network and settings are both there, sorted by name."""
    paths = sorted((weights / FOLDER).glob("*.onnx"))
    return [PiperVoice(path) for path in paths if path.with_name(path.name + ".json").is_file()]


def sex_of(voice: PiperVoice) -> str:
    """Return man or woman, or "" if it is not known."""
    parts = voice.name.split("-")
    return VOICE_SEXES.get(parts[1] if len(parts) > 1 else "", "")


def identity(weights: Path) -> str:
    """Return the identity of all voices, which is part of the cache key of everything that speaks."""
    return "+".join([*(f"{voice.name}@{VERSION}" for voice in list_voices(weights)), f"espeak-ng@{VERSION}"])
