"""The embedded tier: a network on the CPU, through ncnn."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine import weights
from engine.backends.realesrgan.networks import FAST, NETWORKS, SCALE
from engine.backends.realesrgan.tiles import Span, squares
from engine.steps import OnStep

Picture = NDArray[np.uint8]

TAIL, TAIL_OVERLAP = 68, 2
"""Pixels on a side that go through the last layers at once, which take 55 kB a pixel and see 1.25 pixels far."""
TRUNK = 0.9
"""Share of the work before the last layers."""


@dataclass(frozen=True)
class Blobs:
    """Names of a network's inner arrays: of `steps` on the way, and of the one before its picture grows, if it does.

    Looking at a step copies its array, which costs a light network more than it does a heavy one.
    """

    steps: tuple[str, ...]
    trunk: str | None


class Upscaler:
    """Enlarges whole pictures with one network; memory grows with their area, `bytes_per_pixel` of what comes in."""

    def __init__(self, folder: Path, threads: int | None = None, name: str = FAST) -> None:
        """Load from the weights `folder`. Raises MissingModel, naming what to fetch."""
        import ncnn

        place = weights.need(name, folder)
        self.bytes = (place / "x4.bin").stat().st_size
        self.bytes_per_pixel = NETWORKS[name].embedded_bytes
        self._blobs = _blobs(place / "x4.param")
        self._net = ncnn.Net()
        self._net.opt.num_threads = threads or ncnn.get_big_cpu_count()
        self._net.load_param(str(place / "x4.param"))
        self._net.load_model(str(place / "x4.bin"))

    def enlarge(self, picture: Picture, on_step: OnStep = lambda _: None) -> Picture:
        """uint8 (H, W, 3) -> uint8 (4H, 4W, 3).

        `on_step` hears several times a second what share is done, and may raise to end the work.
        """
        planes = np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32) / np.float32(255)
        if self._blobs.trunk is None:
            return _levels(self._run("data", planes, "output", on_step))
        features = self._run("data", planes, self._blobs.trunk, lambda done: on_step(TRUNK * done))
        return self._grow(features, self._blobs.trunk, lambda done: on_step(TRUNK + (1 - TRUNK) * done))

    def _run(self, source: str, planes: NDArray[np.float32], sink: str, on_step: OnStep) -> NDArray[np.float32]:
        import ncnn

        with self._net.create_extractor() as extractor:
            extractor.input(source, ncnn.Mat(planes))
            for number, blob in enumerate(self._blobs.steps if source == "data" else ()):
                _extract(extractor, blob, as_it_is=True)
                on_step((number + 1) / (len(self._blobs.steps) + 1))
            return np.array(_extract(extractor, sink))

    def _grow(self, features: NDArray[np.float32], trunk: str, on_step: OnStep) -> Picture:
        """The last layers, which work on 64 channels at four times the size, a small part after the other."""
        height, width = features.shape[1:]
        grown = np.empty((SCALE * height, SCALE * width, 3), np.uint8)
        rows, columns = squares(height, width, TAIL, TAIL_OVERLAP)
        for number, row in enumerate(rows):
            for column in columns:
                seen = features[:, row.seen_from : row.seen_to, column.seen_from : column.seen_to]
                part = _levels(self._run(trunk, np.ascontiguousarray(seen), "output", on_step))
                grown[_filled(row, 0), _filled(column, 0)] = part[_filled(row), _filled(column)]
            on_step(number / len(rows))
        return grown


def _extract(extractor: Any, blob: str, as_it_is: bool = False) -> Any:
    """`as_it_is` leaves ncnn's packing. Raises MemoryError."""
    failed, array = extractor.extract(blob, int(as_it_is))
    if failed:
        raise MemoryError
    return array


def _filled(span: Span, origin: int | None = None) -> slice:
    """Where a span's own part lies in four times the picture, or, without `origin`, in four times what was seen."""
    first = span.seen_from if origin is None else origin
    return slice(SCALE * (span.start - first), SCALE * (span.stop - first))


def _levels(planes: NDArray[np.float32]) -> Picture:
    levels: Picture = np.clip(planes * 255 + 0.5, 0, 255).astype(np.uint8).transpose(1, 2, 0)
    return levels


def _blobs(param: Path) -> Blobs:
    """Read from the .param file, where a line is kind, name, counts of inputs and outputs, their names, and options."""
    layers = [line.split() for line in param.read_text("ascii").splitlines()[2:]]
    compact = any(layer[0] == "PixelShuffle" for layer in layers)
    made = [(layer[0], layer[4 + int(layer[2])]) for layer in layers]
    if compact:
        return Blobs(tuple(blob for kind, blob in made if kind == "PReLU")[5::6], None)
    grows = next(number for number, layer in enumerate(layers) if layer[0] == "Interp")
    return Blobs(tuple(blob for kind, blob in made[:grows] if kind == "Convolution"), layers[grows][4])
