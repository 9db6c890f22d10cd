"""Run eSpeak NG as a child process: from the package espeakng-loader, or else the program installed on the system."""

import io
import re
import subprocess
import sys
import time
import wave
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

from engine.core.errors import MissingModel
from engine.tasks.speech.espeak_program import NO_VOICE, SEPARATOR
from engine.tasks.speech.languages import ESPEAK_NAMES, espeak_voice, unknown_language_error

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

Check = Callable[[], None]
"""Called ten times a second. An exception from it stops the program."""

TIMEOUT_SECONDS = 60.0
"""Maximum time for one text. eSpeak NG speaks hundreds of times faster than people."""
INNER_DOT = re.compile(r"(?<!\.)\.(?=\s+(\S))")
"""A single dot inside a sentence, before a space. eSpeak NG would pause at one before a capital letter or a digit."""
POLL_SECONDS = 0.1
"""Time between two calls of `check`."""
PROGRAM = Path(__file__).with_name("espeak_program.py")


def is_available() -> bool:
    """Return whether eSpeak NG is installed."""
    return find_spec("espeakng_loader") is not None or which("espeak-ng") is not None


def synthesize(sentences: Sequence[str], language: str, check: Check, variant: str = "") -> "tuple[Samples, int]":
    """Return speech as mono samples in -1..1, and their sample rate. `variant` is an eSpeak NG variant such as f3.

    `check` is called ten times a second; an exception from it stops the program. Raises BadInput for a language that
    eSpeak NG does not speak, and MissingModel if it is not installed.
    """
    name = espeak_voice(language) or espeak_name(language)
    voice = f"{name}+{variant}" if variant else name
    text = " ".join(map(_without_inner_dots, sentences))
    if find_spec("espeakng_loader") is None:
        return _run_system(text, voice, language, check)
    rate, _, raw = _run_package("say", text, voice, language, check).partition(b"\n")
    return _decode_samples(raw), int(rate)


def phonemes(sentences: Sequence[str], voice: str, check: Check) -> list[list[tuple[str, str]]]:
    """Return the clauses of each sentence as pairs: the mark that ends the clause, or a space, and its IPA.

    Sentences without words are left out. Raises MissingModel without the package espeakng-loader.
    """
    if find_spec("espeakng_loader") is None:
        raise MissingModel("The natural voices need the espeakng-loader package. Run scripts/setup.")
    text = SEPARATOR.join(_without_inner_dots(sentence.replace(SEPARATOR, " ")) for sentence in sentences)
    answer = _run_package("phonemes", text, espeak_voice(voice) or voice, voice, check).decode()
    blocks = ([line for line in block.splitlines() if len(line) > 1] for block in answer.split(SEPARATOR))
    return [[(line[0], line[1:]) for line in lines] for lines in blocks if lines]


def _without_inner_dots(sentence: str) -> str:
    """Return the sentence without the dots of abbreviations at which eSpeak NG would pause: "Mr Smith", "No 7"."""
    return INNER_DOT.sub(lambda dot: "." if dot[1].islower() else "", sentence)


def espeak_name(language: str) -> str:
    """Return the name that eSpeak NG uses for a language."""
    return ESPEAK_NAMES.get(language, language)


def _run_package(command: str, text: str, voice: str, language: str, check: Check) -> bytes:
    program = [sys.executable, "-P", str(PROGRAM), command, voice]  # run as a file: importing its package takes 0.3 s
    result = _run_program(program, text, check)
    if result.returncode == NO_VOICE:
        raise unknown_language_error(language)
    result.check_returncode()
    return result.stdout


def _run_system(text: str, voice: str, language: str, check: Check) -> "tuple[Samples, int]":
    program = which("espeak-ng")
    if program is None:
        raise MissingModel("No voice is installed. Install espeak-ng or run scripts/setup.")
    arguments = [program, "--stdin", "--stdout", "-v", voice]
    result = _run_program(arguments, text, check)
    if result.returncode != 0:
        raise unknown_language_error(language)
    with wave.open(io.BytesIO(result.stdout)) as sound:
        return _decode_samples(sound.readframes(sound.getnframes())), sound.getframerate()


def _run_program(program: list[str], text: str, check: Check) -> subprocess.CompletedProcess[bytes]:
    """Run a program on `text`. Raises what `check` raises, and TimeoutExpired after TIMEOUT_SECONDS."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    pipe, unsent = subprocess.PIPE, text.encode() or None
    with subprocess.Popen(program, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        try:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    output, errors = process.communicate(unsent, timeout=POLL_SECONDS)
                    return subprocess.CompletedProcess(program, process.returncode, output, errors)
                unsent = None  # communicate() keeps it for the next call
                check()
                if time.monotonic() > deadline:
                    raise subprocess.TimeoutExpired(program, TIMEOUT_SECONDS)
        finally:
            process.kill()


def _decode_samples(raw: bytes) -> "Samples":
    import numpy as np

    return np.frombuffer(raw, "<i2", len(raw) // 2).astype(np.float32) / np.float32(32768)
