"""`python espeak_program.py say|phonemes VOICE`: text on stdin, sound or phonemes on stdout.

eSpeak NG keeps its state in globals and is under the GPL, so it runs as a program of its own, like the system's does.
`say` writes 16-bit mono samples after a line with their rate. `phonemes` reads sentences with SEPARATOR between
them; for each it writes one line of IPA for each clause and, in front of it, the mark that ended the clause, then
SEPARATOR.
"""

import ctypes
import re
import sys
from collections.abc import Iterator
from typing import Any

RETRIEVAL, UTF8, CHARACTER = 1, 1, 1
"""AUDIO_OUTPUT_RETRIEVAL, espeakCHARS_UTF8 and POS_CHARACTER of speak_lib.h."""
IPA = 2
"""espeakPHONEMES_IPA of speak_lib.h."""
DATA_PATH_ERRORS = 0x8000
"""espeakINITIALIZE_DONT_EXIT: an error is returned."""
SEPARATOR = "\x1e"
"""ASCII's record separator, between sentences."""
ENDS = ".,;:!?…。、！？"  # noqa: RUF001  # the marks of Chinese and Japanese
CLAUSES = re.compile(r"(?<=[,;:!?…])\s+|(?<=\.\.\.)\s+|(?<=[。、！？])|\n+")  # noqa: RUF001  # likewise
MARKS = str.maketrans("…。、！？", "..,!?")  # noqa: RUF001  # likewise

NO_VOICE = 3
"""What the program returns for a voice that it does not have."""

Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Espeak:
    """libespeak-ng of the package espeakng-loader. Raises OSError and ValueError for what cannot be loaded."""

    def __init__(self, voice: str) -> None:
        import espeakng_loader

        self._library: Any = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self.rate = int(self._library.espeak_Initialize(RETRIEVAL, 0, data, DATA_PATH_ERRORS))
        if self.rate <= 0:
            raise OSError("espeak-ng does not start")
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice}")

    def say(self, text: str, write: Any) -> None:
        """Speak; `write` gets bytes of 16-bit samples as they are made."""

        def on_samples(samples: Any, count: int, _: Any) -> int:
            if count > 0:
                write(ctypes.string_at(samples, 2 * count))
            return 0

        held = Callback(on_samples)
        raw = text.encode() + b"\0"
        self._library.espeak_SetSynthCallback(held)
        self._library.espeak_Synth(raw, len(raw), 0, CHARACTER, 0, UTF8, None, None)
        self._library.espeak_Synchronize()

    def phonemes(self, text: str) -> Iterator[tuple[str, str]]:
        """For each clause of a sentence the mark that ends it, or a space, and its IPA."""
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        for clause in filter(None, CLAUSES.split(text)):
            mark = clause[-1].translate(MARKS) if clause[-1] in ENDS else " "
            if spoken := " ".join(self._spoken(clause.strip(ENDS + " "))):
                yield mark, spoken

    def _spoken(self, clause: str) -> Iterator[str]:
        held = ctypes.c_char_p(clause.encode())
        while held.value:
            told = self._library.espeak_TextToPhonemes(ctypes.byref(held), UTF8, IPA)
            yield (told or b"").decode().strip()


def main(arguments: list[str]) -> int:
    """Returns 3 where there is no such voice."""
    what, voice = arguments
    try:
        espeak = Espeak(voice)
    except ValueError:
        return NO_VOICE
    text = sys.stdin.buffer.read().decode()
    if what == "phonemes":
        for sentence in text.split(SEPARATOR):
            sys.stdout.buffer.writelines(f"{mark}{ipa}\n".encode() for mark, ipa in espeak.phonemes(sentence))
            sys.stdout.buffer.write(SEPARATOR.encode())
        return 0
    sys.stdout.buffer.write(f"{espeak.rate}\n".encode())
    espeak.say(text, sys.stdout.buffer.write)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
