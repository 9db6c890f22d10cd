"""eSpeak NG as a child: of the package espeakng-loader, or the system's program where that has no build."""

import io
import subprocess
import sys
import wave
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

from engine.backends.voice.espeak_program import NO_VOICE
from engine.backends.voice.languages import CALLED, unspoken, voice_of
from engine.errors import MissingModel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

LIMIT = 60.0
"""Seconds that a text may take; eSpeak NG speaks hundreds of times faster than people."""
PROGRAM = Path(__file__).with_name("espeak_program.py")


def available() -> bool:
    return find_spec("espeakng_loader") is not None or which("espeak-ng") is not None


def say(text: str, language: str, variant: str = "") -> "tuple[Samples, int]":
    """The text spoken, mono in -1..1, and its rate. `variant` is one of eSpeak NG's, such as f3.

    Raises BadInput for a language that it does not speak, MissingModel where there is no eSpeak NG.
    """
    name = voice_of(language) or called(language)
    voice = f"{name}+{variant}" if variant else name
    if find_spec("espeakng_loader") is None:
        return _of_system(text, voice, language)
    rate, _, raw = _package("say", text, voice, language).partition(b"\n")
    return _samples(raw), int(rate)


def phonemes(text: str, voice: str) -> list[tuple[str, str]]:
    """For each clause the mark that ends it and its IPA. Raises MissingModel without the package espeakng-loader."""
    if find_spec("espeakng_loader") is None:
        raise MissingModel("The natural voices need the package espeakng-loader. Run scripts/setup.")
    lines = _package("phonemes", text, voice_of(voice) or voice, voice).decode().splitlines()
    return [(line[0], line[1:]) for line in lines if len(line) > 1]


def called(language: str) -> str:
    return CALLED.get(language, language)


def _package(what: str, text: str, voice: str, language: str) -> bytes:
    program = [sys.executable, "-P", str(PROGRAM), what, voice]  # the file alone: its room's imports take 0.3 s
    done = subprocess.run(program, input=text.encode(), capture_output=True, timeout=LIMIT, check=False)
    if done.returncode == NO_VOICE:
        raise unspoken(language)
    done.check_returncode()
    return done.stdout


def _of_system(text: str, voice: str, language: str) -> "tuple[Samples, int]":
    program = which("espeak-ng")
    if program is None:
        raise MissingModel("There is no voice here: install espeak-ng, or run scripts/setup.")
    arguments = [program, "--stdin", "--stdout", "-v", voice]
    done = subprocess.run(arguments, input=text.encode(), capture_output=True, timeout=LIMIT, check=False)
    if done.returncode != 0:
        raise unspoken(language)
    with wave.open(io.BytesIO(done.stdout)) as sound:
        return _samples(sound.readframes(sound.getnframes())), sound.getframerate()


def _samples(raw: bytes) -> "Samples":
    import numpy as np

    return np.frombuffer(raw, "<i2", len(raw) // 2).astype(np.float32) / np.float32(32768)
