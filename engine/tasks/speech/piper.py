"""Piper's voices: VITS as ONNX, which reads eSpeak NG's phonemes. Kim et al., "Conditional Variational Autoencoder with
Adversarial Learning for End-to-End Text-to-Speech" (2021); https://github.com/OHF-Voice/piper1-gpl.
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
"""Seconds between sentences."""
PAD, BEGIN, END = "_", "^", "$"
VERSION = 3
"""Of how Piper's and eSpeak NG's voices sound: raised when the same text would sound different."""


@dataclass(frozen=True)
class PiperVoice:
    """A voice in the weights folder: NAME.onnx and NAME.onnx.json."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def language(self) -> str:
        """ISO 639-1, the first part of a name such as en_US-joe-medium."""
        return self.name.split("_")[0].lower()

    @property
    def dialect(self) -> str:
        """The first two parts of such a name: en-us."""
        return self.name.split("-")[0].lower().replace("_", "-")

    @cached_property
    def _about(self) -> Any:
        return json.loads(self.path.with_name(self.path.name + ".json").read_text("utf-8"))

    def synthesize(self, sentences: Sequence[str], network: Any, check: Callable[[], None]) -> "tuple[Samples, int]":
        """Speak with `network`, this voice's, and return mono samples in -1..1 and their rate.

        `check` is called ten times a second; what it raises ends this.
        """
        import numpy as np

        rate = int(self._about["audio"]["sample_rate"])
        pause = np.zeros(int(SENTENCE_PAUSE_SECONDS * rate), np.float32)
        pieces = []
        for clauses in espeak.phonemes(sentences, self._about["espeak"]["voice"], check):
            check()
            pieces += [self._spoken(network, _joined(clauses), check), pause]
        return np.concatenate(pieces) if pieces else pause, rate

    def _spoken(self, network: Any, sentence: str, check: Callable[[], None]) -> "Samples":
        import numpy as np

        from engine.tasks.speech.piper_network import run

        ids = self._ids(sentence)
        how = self._about["inference"]
        scales = [how["noise_scale"], how["length_scale"], how["noise_w"]]
        given = {"input": [ids], "input_lengths": [len(ids)], "scales": scales}
        types = {"input": np.int64, "input_lengths": np.int64, "scales": np.float32}
        inputs = {name: np.array(value, types[name]) for name, value in given.items()}
        if self._about.get("num_speakers", 1) > 1:
            inputs["sid"] = np.array([0], np.int64)
        samples = run(network, inputs, check).reshape(-1)
        return np.asarray(samples / max(1.0, float(np.abs(samples).max())), np.float32)

    def _ids(self, sentence: str) -> list[int]:
        table = self._about["phoneme_id_map"]
        ids = [*table[BEGIN], *table[PAD]]
        for phoneme in sentence:
            if phoneme in table:
                ids += [*table[phoneme], *table[PAD]]
        return [*ids, *table[END]]


def _joined(clauses: Sequence[tuple[str, str]]) -> str:
    """Return the phonemes of one sentence, with the marks between its clauses."""
    return " ".join(ipa + mark.strip() for mark, ipa in clauses)
