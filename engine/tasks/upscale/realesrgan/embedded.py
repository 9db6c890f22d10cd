"""The embedded tier: runs a network on the CPU through ncnn."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.progress import OnStep
from engine.tasks.upscale.realesrgan.networks import FAST, SCALE, Step
from engine.tasks.upscale.realesrgan.tiles import output_slice, squares
from engine.weights import registry

Picture = NDArray[np.uint8]
Features = NDArray[np.float32]

TAIL, TAIL_HALO = 48, 2
"""Side in pixels of a piece in the last layers, which take 57 kB a pixel, and how far they see in pixels (1.25 in
fact).
"""
TRUNK = 0.9
"""Share of the work before the last layers."""
COMPACT_HALO = 18
"""Pixels that a compact network sees in each direction."""
COMPACT_BYTES, DENSE_BYTES = 7_000, 15_000
"""Bytes per pixel while a compact or a dense network works."""
COMPACT_SIDE, DENSE_SIDE = 512, 320
"""Side in pixels of the largest tile of a compact or a dense network.

Such a tile takes 0.8 GB or 1.3 GB. Tiles of 768 pixels take 1.7 GB or 7.6 GB, and about 5 % less time.
"""
MARGIN = 2
"""Pixels around a tile that resampling to under four times the size reads."""


@dataclass(frozen=True)
class Blobs:
    """Names of a network's intermediate arrays.

    They are the first features, those after each dense block, those before the picture grows, and others by the
    dense block that makes them (`ways`). A compact network only has `ways`. Reading an intermediate array copies
    it, which costs a light network more than a heavy one.
    """

    ways: tuple[tuple[str, ...], ...]
    early: str = ""
    ends: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    trunk: str = ""


class Upscaler:
    """Enlarges whole pictures with one network, or tiles of them step by step. A dense block is one step."""

    bytes_per_feature = 256
    spare = 0

    def __init__(self, folder: Path, threads: int | None = None, name: str = FAST) -> None:
        """Load from the weights `folder`. Raises MissingModel, naming what to fetch."""
        import ncnn

        place = registry.path_or_raise(name, folder)
        self.bytes = (place / "x4.bin").stat().st_size
        self._blobs = _blobs(place / "x4.param")
        compact = not self._blobs.trunk
        self.bytes_per_pixel = COMPACT_BYTES if compact else DENSE_BYTES
        self.largest = COMPACT_SIDE if compact else DENSE_SIDE
        self.steps = (Step(COMPACT_HALO + MARGIN),) if compact else _steps(len(self._blobs.ends))
        self._net = ncnn.Net()
        self._net.opt.num_threads = threads or ncnn.get_big_cpu_count()
        self._net.load_param(str(place / "x4.param"))
        self._net.load_model(str(place / "x4.bin"))
        self._pools = (ncnn.PoolAllocator(), ncnn.PoolAllocator()) if compact else ()

    def enlarge(self, picture: Picture, on_step: OnStep = lambda _: None) -> Picture:
        """Enlarge uint8 (H, W, 3) to uint8 (4H, 4W, 3).

        `on_step` receives the share that is done several times a second, and may raise to end the work.
        """
        blobs, given = self._blobs, {"data": _planes(picture)}
        ways = [blob for way in blobs.ways for blob in way]
        if not blobs.trunk:
            return _levels(self._run(given, ways, "output", on_step))
        features = self._run(given, ways, blobs.trunk, lambda done: on_step(TRUNK * done))
        return self._grow(features, lambda done: on_step(TRUNK + (1 - TRUNK) * done))

    def first(self, picture: Picture) -> Features:
        """Return the first features of a picture, (64, H, W)."""
        return self._run({"data": _planes(picture)}, (), self._blobs.early)

    def step(self, number: int, features: Features, on_step: OnStep = lambda _: None) -> Features:
        """Run dense block `number`, counted from 1."""
        given = {self._blobs.inputs[number - 1]: np.ascontiguousarray(features)}
        return self._run(given, self._blobs.ways[number - 1], self._blobs.ends[number - 1], on_step)

    def last(self, features: Features | None, picture: Picture, on_step: OnStep = lambda _: None) -> Picture:
        """Return the enlarged picture from the last features. Without features, run the whole network."""
        if features is None:
            return self.enlarge(picture, on_step)
        given = {"data": _planes(picture), self._blobs.inputs[-1]: np.ascontiguousarray(features)}
        return self._grow(self._run(given, (), self._blobs.trunk), on_step)

    def room(self, height: int, width: int) -> Features:
        """Return an uninitialised array for features (C, height, width)."""
        return np.empty((self.bytes_per_feature // 4, height, width), np.float32)

    def running(self) -> AbstractContextManager[object]:
        """Return a context in which the steps run; nothing is needed here."""
        return nullcontext()

    def _run(
        self, given: dict[str, Features], ways: Sequence[str], sink: str, on_step: OnStep = lambda _: None
    ) -> Features:
        import ncnn

        with self._net.create_extractor() as extractor:
            if self._pools:
                extractor.set_blob_allocator(self._pools[0])
                extractor.set_workspace_allocator(self._pools[1])
            for blob, array in given.items():
                extractor.input(blob, ncnn.Mat(array))
            for number, blob in enumerate(ways):
                _extract(extractor, blob, as_it_is=True)
                on_step((number + 1) / (len(ways) + 1))
            made = np.array(_extract(extractor, sink))
        for pool in self._pools:
            pool.clear()  # the next tile is of another size, and its memory would come on top
        return made

    def _grow(self, features: Features, on_step: OnStep) -> Picture:
        """Run the last layers piece by piece: they have 64 channels at four times the size."""
        height, width = features.shape[1:]
        grown = np.empty((SCALE * height, SCALE * width, 3), np.uint8)
        rows, columns = squares(height, width, TAIL, TAIL_HALO)
        for number, row in enumerate(rows):
            for column in columns:
                seen = features[:, row.seen_from : row.seen_to, column.seen_from : column.seen_to]
                part = _levels(self._run({self._blobs.trunk: np.ascontiguousarray(seen)}, (), "output"))
                grown[output_slice(row, 0), output_slice(column, 0)] = part[output_slice(row), output_slice(column)]
            on_step(number / len(rows))
        return grown


def _extract(extractor: Any, blob: str, as_it_is: bool = False) -> Any:
    """Return an array of the network. `as_it_is` keeps ncnn's packing. Raises MemoryError."""
    failed, array = extractor.extract(blob, int(as_it_is))
    if failed:
        raise MemoryError
    return array


def _planes(picture: Picture) -> Features:
    return np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32) / np.float32(255)


def _levels(planes: Features) -> Picture:
    """Round `planes`, (3, H, W) in 0..1, to levels, uint8 (H, W, 3). The planes are overwritten."""
    planes *= 255
    planes += 0.5
    np.clip(planes, 0, 255, out=planes)
    return planes.astype(np.uint8).transpose(1, 2, 0)


def _steps(dense: int) -> tuple[Step, ...]:
    """Return the network's steps with their halos: a residual block has three dense blocks of five convolutions."""
    block = Step(5, starts=True), Step(5, inside_skip=True), Step(5, inside_skip=True, ends=True)
    return Step(1), *(block * (dense // 3)), Step(1 + TAIL_HALO + MARGIN)


def _blobs(param: Path) -> Blobs:
    """Parse the .param file. Each line holds a kind, a name, counts of inputs and outputs, their names, and options."""
    lines = [line.split() for line in param.read_text("ascii").splitlines()[2:]]
    made = [(line[0], line[4 + int(line[2])], line[4]) for line in lines]
    if any(kind == "PixelShuffle" for kind, *_ in made):
        return Blobs((tuple(blob for kind, blob, _ in made if kind == "PReLU")[5::6],))
    grows = next(number for number, (kind, *_) in enumerate(made) if kind == "Interp")
    early = next(blob for kind, blob, _ in made if kind == "Convolution")
    sums = {blob for kind, blob, _ in made if kind == "Eltwise"}
    ends = tuple(blob for kind, blob, source in made if kind == "Eltwise" and source not in sums)
    blocks = {source: blob for kind, blob, source in made if kind == "Eltwise" and source in sums}
    inputs = early, *(blocks.get(blob, blob) for blob in ends)
    convolutions = [blob for kind, blob, _ in made[:grows] if kind == "Convolution"][1:-1]
    ways = tuple(tuple(convolutions[at : at + 5]) for at in range(0, len(convolutions), 5))
    return Blobs(ways, early, ends, inputs, made[grows][2])
