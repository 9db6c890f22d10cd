"""Caches encoded prompts, and encodes new ones together."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple

from engine.tasks.imagine.sdxl.prompts import Encoded, encode, encode_together, is_plain

MAX_CACHED_BYTES = 80 * 10**6
"""Bytes of cached encodings: 256 short prompts, or fewer long ones."""


class PromptPair(NamedTuple):
    """A prompt and its negative prompt, which counts only if `guided`."""

    prompt: str
    negative: str
    guided: bool


class PromptEncoderCache:
    """Encodes with the text encoders of `pipe`, a StableDiffusionXLPipeline. `reads` counts cache misses."""

    def __init__(self, pipe: Any) -> None:
        self.reads = 0
        self._pipe = pipe
        self._kept: OrderedDict[PromptPair, Encoded] = OrderedDict()

    def read(self, asked: Sequence[PromptPair]) -> list[Encoded]:
        """Return the encoding of each pair. Raises BadInput for a weight over the limit."""
        new = list(dict.fromkeys(words for words in asked if words not in self._kept))
        self.reads += len(new)
        together = [words for words in new if not words.guided and is_plain(self._pipe, words.prompt)]
        if together:
            found = encode_together(self._pipe, [words.prompt for words in together])
            self._kept |= zip(together, found, strict=True)
        for words in new:
            if words not in self._kept:
                self._kept[words] = encode(self._pipe, words.prompt, words.negative, guided=words.guided)
        for words in asked:
            self._kept.move_to_end(words)
        found = [self._kept[words] for words in asked]
        if new:
            self._shrink()
        return found

    def forget(self) -> None:
        """Drop every encoding, and with it the memory on the device."""
        self._kept.clear()

    def _shrink(self) -> None:
        """Drop the least recently used encodings down to MAX_CACHED_BYTES."""
        size = sum(each.bytes for each in self._kept.values())
        while size > MAX_CACHED_BYTES:
            size -= self._kept.popitem(last=False)[1].bytes
