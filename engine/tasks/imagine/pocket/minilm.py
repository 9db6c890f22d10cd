"""all-MiniLM-L6-v2, pocket's text encoder, in NumPy: a six-layer BERT (Devlin et al. 2018, arXiv:1810.04805).

The weights and tokenizer are those of the model card sentence-transformers/all-MiniLM-L6-v2. A prompt of a few words
takes millions of multiplications, 5 to 10 ms on two cores, so no separate runtime is needed.
"""

import json
import mmap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

WIDTH = 384
HEADS = 12
LAYERS = 6


@dataclass(frozen=True)
class Reading:
    """An encoded text: token `states` (T, 384), and the words that did not fit."""

    states: Array
    unread: tuple[str, ...]


class MiniLM:
    """Encodes texts as the last hidden states of their tokens, including [CLS] and [SEP]."""

    def __init__(self, weights: Path, tokenizer: Path, tokens: int) -> None:
        """Map the safetensors file `weights`. Texts are cut at `tokens` tokens, including the special ones."""
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(tokens)
        self._file, arrays = _map_file(weights)
        self._weights = {name: array for name, array in arrays.items() if name.startswith("encoder.")}
        self._weights |= {name: array for name, array in arrays.items() if name.startswith("embeddings.L")}
        self._vocabulary = arrays["embeddings.word_embeddings.weight"]
        place = arrays["embeddings.position_embeddings.weight"][:tokens]
        self._place: Array = place + arrays["embeddings.token_type_embeddings.weight"][0]
        self.bytes = sum(weight.nbytes for weight in self._weights.values())

    def read(self, text: str) -> Reading:
        """Return the states of `text`. The model ignores case."""
        encoding = self._tokenizer.encode(text)
        end = max(end for _, end in encoding.offsets)
        unread = text[end:].split() if encoding.overflowing else []
        states = self._states(encoding.ids)
        if hasattr(mmap, "MADV_DONTNEED"):
            self._file.madvise(mmap.MADV_DONTNEED)  # 43 MB that nothing reads while the picture is drawn
        return Reading(states, tuple(unread))

    def _states(self, ids: list[int]) -> Array:
        words = self._vocabulary[ids]
        x = self._norm("embeddings", words + self._place[: len(ids)])
        for layer in range(LAYERS):
            x = self._layer(f"encoder.layer.{layer}", x)
        return x

    def _layer(self, at: str, x: Array) -> Array:
        x = self._norm(f"{at}.attention.output", x + self._attend(f"{at}.attention", x))
        hidden = _gelu(self._linear(f"{at}.intermediate.dense", x))
        return self._norm(f"{at}.output", x + self._linear(f"{at}.output.dense", hidden))

    def _attend(self, at: str, x: Array) -> Array:
        q, k, v = (self._heads(f"{at}.self.{name}", x) for name in ("query", "key", "value"))
        seen = _softmax(q @ k.transpose(0, 2, 1) / np.float32((WIDTH // HEADS) ** 0.5)) @ v
        return self._linear(f"{at}.output.dense", seen.transpose(1, 0, 2).reshape(-1, WIDTH))

    def _heads(self, name: str, x: Array) -> Array:
        return self._linear(name, x).reshape(-1, HEADS, WIDTH // HEADS).transpose(1, 0, 2)

    def _linear(self, name: str, x: Array) -> Array:
        return x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]

    def _norm(self, at: str, x: Array) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        scale = 1 / np.sqrt((centred * centred).mean(-1, keepdims=True) + np.float32(1e-12))
        return (
            np.asarray(centred * scale) * self._weights[f"{at}.LayerNorm.weight"]
            + self._weights[f"{at}.LayerNorm.bias"]
        )


def _map_file(path: Path) -> tuple[mmap.mmap, dict[str, Array]]:
    """Memory-map a safetensors file of fp32 arrays, so that the system can page the weights out.

    The file holds a length in 8 bytes, that many bytes of JSON with each array's type, shape and offsets, then the
    arrays.
    """
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    begin = 8 + int.from_bytes(mapped[:8], "little")
    arrays: dict[str, Array] = {}
    for name, told in json.loads(mapped[8:begin]).items():
        if told.get("dtype") == "F32":
            first, last = told["data_offsets"]
            plain = np.frombuffer(mapped, "<f4", (last - first) // 4, begin + first)
            arrays[name] = plain.reshape(told["shape"])
    return mapped, arrays


def _softmax(x: Array) -> Array:
    rising: Array = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(rising / rising.sum(-1, keepdims=True))


def _gelu(x: Array) -> Array:
    return x * (np.float32(0.5) + np.float32(0.5) * _erf(x * np.float32(0.5**0.5)))


def _erf(x: Array) -> Array:
    """Return the error function to within 1.5e-7 (Abramowitz and Stegun 7.1.26). NumPy has none."""
    t = 1 / (1 + np.float32(0.3275911) * np.abs(x))
    terms = (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)
    tail: Array = np.zeros_like(x)
    for term in terms:
        tail = np.asarray((tail + np.float32(term)) * t, np.float32)
    return np.asarray(np.sign(x) * (1 - tail * np.exp(-x * x)))
