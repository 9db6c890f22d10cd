"""eSpeak NG as a child: of the package espeakng-loader, or the system's program where that has no build."""

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
from engine.tasks.speech.languages import CALLED, unspoken, voice_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

Check = Callable[[], None]

TIMEOUT_SECONDS = 60.0
"""Seconds that a text may take; eSpeak NG speaks hundreds of times faster than people."""
INNER_DOT = re.compile(r"(?<!\.)\.(?=\s+(\S))")
"""A single dot inside a sentence, before a space. At one before a capital or a digit eSpeak NG would pause."""
LOOK_SECONDS = 0.1
"""Between two looks at whether the program has to end."""
PROGRAM = Path(__file__).with_name("espeak_program.py")


def available() -> bool:
    return find_spec("espeakng_loader") is not None or which("espeak-ng") is not None


def synthesize(sentences: Sequence[str], language: str, check: Check, variant: str = "") -> "tuple[Samples, int]":
    """Speak, and return mono samples in -1..1 and their rate. `variant` is one of eSpeak NG's, such as f3.

    `check` is asked ten times a second, here and below; what it raises ends the program.

    Raises BadInput for a language that it does not speak, MissingModel where there is no eSpeak NG.
    """
    name = voice_of(language) or espeak_name(language)
    voice = f"{name}+{variant}" if variant else name
    text = " ".join(map(_without_inner_dots, sentences))
    if find_spec("espeakng_loader") is None:
        return _of_system(text, voice, language, check)
    rate, _, raw = _package("say", text, voice, language, check).partition(b"\n")
    return _samples(raw), int(rate)


def phonemes(sentences: Sequence[str], voice: str, check: Check) -> list[list[tuple[str, str]]]:
    """Return for each sentence its clauses: the mark that ends each of them, or a space, and its IPA.

    A sentence without anything to say is left out. Raises MissingModel without the package espeakng-loader.
    """
    if find_spec("espeakng_loader") is None:
        raise MissingModel("The natural voices need the package espeakng-loader. Run scripts/setup.")
    text = SEPARATOR.join(_without_inner_dots(sentence.replace(SEPARATOR, " ")) for sentence in sentences)
    answer = _package("phonemes", text, voice_of(voice) or voice, voice, check).decode()
    blocks = ([line for line in block.splitlines() if len(line) > 1] for block in answer.split(SEPARATOR))
    return [[(line[0], line[1:]) for line in lines] for lines in blocks if lines]


def _without_inner_dots(sentence: str) -> str:
    """Return the sentence without the dots of abbreviations, at which eSpeak NG pauses: "Mr Smith", "No 7"."""
    return INNER_DOT.sub(lambda dot: "." if dot[1].islower() else "", sentence)


def espeak_name(language: str) -> str:
    return CALLED.get(language, language)


def _package(what: str, text: str, voice: str, language: str, check: Check) -> bytes:
    program = [sys.executable, "-P", str(PROGRAM), what, voice]  # the file alone: its room's imports take 0.3 s
    done = _run(program, text, check)
    if done.returncode == NO_VOICE:
        raise unspoken(language)
    done.check_returncode()
    return done.stdout


def _of_system(text: str, voice: str, language: str, check: Check) -> "tuple[Samples, int]":
    program = which("espeak-ng")
    if program is None:
        raise MissingModel("There is no voice here: install espeak-ng, or run scripts/setup.")
    arguments = [program, "--stdin", "--stdout", "-v", voice]
    done = _run(arguments, text, check)
    if done.returncode != 0:
        raise unspoken(language)
    with wave.open(io.BytesIO(done.stdout)) as sound:
        return _samples(sound.readframes(sound.getnframes())), sound.getframerate()


def _run(program: list[str], text: str, check: Check) -> subprocess.CompletedProcess[bytes]:
    """Run a program on `text`. Raises what `check` raises, and TimeoutExpired after LIMIT seconds."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    pipe, given = subprocess.PIPE, text.encode() or None
    with subprocess.Popen(program, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        try:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    out, said = process.communicate(given, timeout=LOOK_SECONDS)
                    return subprocess.CompletedProcess(program, process.returncode, out, said)
                given = None  # it is on its way
                check()
                if time.monotonic() > deadline:
                    raise subprocess.TimeoutExpired(program, TIMEOUT_SECONDS)
        finally:
            process.kill()


def _samples(raw: bytes) -> "Samples":
    import numpy as np

    return np.frombuffer(raw, "<i2", len(raw) // 2).astype(np.float32) / np.float32(32768)
