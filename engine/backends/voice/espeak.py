"""eSpeak NG as a child: of the package espeakng-loader, or the system's program where that has no build."""

import io
import re
import subprocess
import sys
import wave
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

from engine.backends.voice.espeak_program import NO_VOICE, SEPARATOR
from engine.backends.voice.languages import CALLED, unspoken, voice_of
from engine.errors import MissingModel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

LIMIT = 60.0
"""Seconds that a text may take; eSpeak NG speaks hundreds of times faster than people."""
INNER_DOT = re.compile(r"(?<!\.)\.(?=\s+(\S))")
"""A single dot inside a sentence, before a space. At one before a capital or a digit eSpeak NG would pause."""
PROGRAM = Path(__file__).with_name("espeak_program.py")


def available() -> bool:
    return find_spec("espeakng_loader") is not None or which("espeak-ng") is not None


def say(sentences: Sequence[str], language: str, variant: str = "") -> "tuple[Samples, int]":
    """Speak, and return mono samples in -1..1 and their rate. `variant` is one of eSpeak NG's, such as f3.

    Raises BadInput for a language that it does not speak, MissingModel where there is no eSpeak NG.
    """
    name = voice_of(language) or called(language)
    voice = f"{name}+{variant}" if variant else name
    text = " ".join(map(_without_inner_dots, sentences))
    if find_spec("espeakng_loader") is None:
        return _of_system(text, voice, language)
    rate, _, raw = _package("say", text, voice, language).partition(b"\n")
    return _samples(raw), int(rate)


def phonemes(sentences: Sequence[str], voice: str) -> list[list[tuple[str, str]]]:
    """Return for each sentence its clauses: the mark that ends each of them, or a space, and its IPA.

    A sentence without anything to say is left out. Raises MissingModel without the package espeakng-loader.
    """
    if find_spec("espeakng_loader") is None:
        raise MissingModel("The natural voices need the package espeakng-loader. Run scripts/setup.")
    text = SEPARATOR.join(_without_inner_dots(sentence.replace(SEPARATOR, " ")) for sentence in sentences)
    answer = _package("phonemes", text, voice_of(voice) or voice, voice).decode()
    blocks = ([line for line in block.splitlines() if len(line) > 1] for block in answer.split(SEPARATOR))
    return [[(line[0], line[1:]) for line in lines] for lines in blocks if lines]


def _without_inner_dots(sentence: str) -> str:
    """Return the sentence without the dots of abbreviations, at which eSpeak NG pauses: "Mr Smith", "No 7"."""
    return INNER_DOT.sub(lambda dot: "." if dot[1].islower() else "", sentence)


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
