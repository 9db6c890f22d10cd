"""`python espeak_program.py say|phonemes VOICE`: reads text from stdin, writes sound or phonemes to stdout.

eSpeak NG keeps its state in globals and is under the GPL, so it runs in a process of its own. `say` writes a line with
the sample rate, then 16-bit mono samples. `phonemes` reads sentences separated by SEPARATOR; for each it writes one
line per clause, with the mark that ends the clause followed by its IPA, then SEPARATOR.
"""

import ctypes
import re
import sys
from collections.abc import Iterator
from typing import Any

RETRIEVAL, UTF8, CHARACTER = 1, 1, 1
"""AUDIO_OUTPUT_RETRIEVAL, espeakCHARS_UTF8 and POS_CHARACTER from speak_lib.h."""
IPA = 2
"""espeakPHONEMES_IPA from speak_lib.h."""
DATA_PATH_ERRORS = 0x8000
"""espeakINITIALIZE_DONT_EXIT: return errors instead of exiting."""
SEPARATOR = "\x1e"
"""ASCII record separator, between sentences."""
ENDS = ".,;:!?…。、！？"  # noqa: RUF001  # the marks of Chinese and Japanese
"""Marks that end a clause."""
CLAUSES = re.compile(r"(?<=[,;:!?…])\s+|(?<=\.\.\.)\s+|(?<=[。、！？])|\n+")  # noqa: RUF001  # likewise
MARKS = str.maketrans("…。、！？", "..,!?")  # noqa: RUF001  # likewise

NO_VOICE = 3
"""Exit status for an unknown voice."""

Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Espeak:
    """libespeak-ng from the package espeakng-loader. Raises OSError if it cannot start, and ValueError for an unknown
    voice.
    """

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
        """Speak `text`. `write` is called with 16-bit samples as they are produced."""

        def on_samples(samples: Any, count: int, _: Any) -> int:
            if count > 0:
                write(ctypes.string_at(samples, 2 * count))
            return 0

        callback = Callback(on_samples)
        raw = text.encode() + b"\0"
        self._library.espeak_SetSynthCallback(callback)
        self._library.espeak_Synth(raw, len(raw), 0, CHARACTER, 0, UTF8, None, None)
        self._library.espeak_Synchronize()

    def phonemes(self, text: str) -> Iterator[tuple[str, str]]:
        """Yield the clauses of a sentence as pairs: the mark that ends the clause, or a space, and its IPA."""
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        for clause in filter(None, CLAUSES.split(text)):
            mark = clause[-1].translate(MARKS) if clause[-1] in ENDS else " "
            if ipa := " ".join(self._translate_clause(clause.strip(ENDS + " "))):
                yield mark, ipa

    def _translate_clause(self, clause: str) -> Iterator[str]:
        rest = ctypes.c_char_p(clause.encode())
        while rest.value:
            ipa = self._library.espeak_TextToPhonemes(ctypes.byref(rest), UTF8, IPA)
            yield (ipa or b"").decode().strip()


def main(arguments: list[str]) -> int:
    """Run the program. Return NO_VOICE for an unknown voice, otherwise 0."""
    command, voice = arguments
    try:
        espeak = Espeak(voice)
    except ValueError:
        return NO_VOICE
    text = sys.stdin.buffer.read().decode()
    if command == "phonemes":
        for sentence in text.split(SEPARATOR):
            sys.stdout.buffer.writelines(f"{mark}{ipa}\n".encode() for mark, ipa in espeak.phonemes(sentence))
            sys.stdout.buffer.write(SEPARATOR.encode())
        return 0
    sys.stdout.buffer.write(f"{espeak.rate}\n".encode())
    espeak.say(text, sys.stdout.buffer.write)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
