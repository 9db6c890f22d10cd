"""Piper voices: VITS networks in ONNX that read eSpeak NG's phonemes.

Kim et al., "Conditional Variational Autoencoder with Adversarial Learning for End-to-End Text-to-Speech" (2021);
https://github.com/OHF-Voice/piper1-gpl.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.tasks.speech import espeak

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

SENTENCE_PAUSE_SECONDS = 0.25
"""Silence between sentences."""
PAD, BEGIN, END = "_", "^", "$"
"""Symbols of the phoneme alphabet: padding, start and end of a sentence."""
VERSION = 3
"""Version of how Piper and eSpeak NG voices sound. Raise it when the same text would sound different."""


@dataclass(frozen=True)
class PiperVoice:
    """A voice in the weights folder: NAME.onnx and NAME.onnx.json."""

    path: Path

    @property
    def name(self) -> str:
        """File name without its suffix, such as en_US-joe-medium."""
        return self.path.stem

    @property
    def language(self) -> str:
        """ISO 639-1 code, the first part of the name: en."""
        return self.name.split("_")[0].lower()

    @property
    def dialect(self) -> str:
        """The first two parts of the name: en-us."""
        return self.name.split("-")[0].lower().replace("_", "-")

    @cached_property
    def _settings(self) -> Any:
        return json.loads(self.path.with_name(self.path.name + ".json").read_text("utf-8"))

    def synthesize(self, sentences: Sequence[str], network: Any, check: Callable[[], None]) -> "tuple[Samples, int]":
        """Return speech as mono samples in -1..1, and their sample rate. `network` is the network of this voice.

        `check` is called ten times a second; an exception from it ends the call.
        """
        import numpy as np

        rate = int(self._settings["audio"]["sample_rate"])
        pause = np.zeros(int(SENTENCE_PAUSE_SECONDS * rate), np.float32)
        pieces = []
        for clauses in espeak.phonemes(sentences, self._settings["espeak"]["voice"], check):
            check()
            pieces += [self._speak_sentence(network, _join_clauses(clauses), check), pause]
        return np.concatenate(pieces) if pieces else pause, rate

    def _speak_sentence(self, network: Any, sentence: str, check: Callable[[], None]) -> "Samples":
        import numpy as np

        from engine.tasks.speech.piper_network import run_network

        ids = self._ids(sentence)
        options = self._settings["inference"]
        scales = [options["noise_scale"], options["length_scale"], options["noise_w"]]
        values = {"input": [ids], "input_lengths": [len(ids)], "scales": scales}
        types = {"input": np.int64, "input_lengths": np.int64, "scales": np.float32}
        inputs = {name: np.array(value, types[name]) for name, value in values.items()}
        if self._settings.get("num_speakers", 1) > 1:
            inputs["sid"] = np.array([0], np.int64)
        samples = run_network(network, inputs, check).reshape(-1)
        return np.asarray(samples / max(1.0, float(np.abs(samples).max())), np.float32)

    def _ids(self, sentence: str) -> list[int]:
        table = self._settings["phoneme_id_map"]
        ids = [*table[BEGIN], *table[PAD]]
        for phoneme in sentence:
            if phoneme in table:
                ids += [*table[phoneme], *table[PAD]]
        return [*ids, *table[END]]


def _join_clauses(clauses: Sequence[tuple[str, str]]) -> str:
    """Return the phonemes of one sentence, with the marks between its clauses."""
    return " ".join(ipa + mark.strip() for mark, ipa in clauses)
