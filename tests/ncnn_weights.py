"""Read ncnn's files into a torch state dict, so that tests of the full tier run with the embedded weights.

A .param file lists the layers, and the .bin file holds their weights in the same order. A convolution has its kernel
and then its bias in fp32. The kernel starts with the tag 0x01306B47 if it is fp16 (padded to 4 bytes), or with 0 if it
is fp32. A PReLU has its slopes in fp32. Source: ncnn's wiki, "param and model file structure".
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

HALF_TAG = 0x01306B47
FULL_TAG = 0
Array = NDArray[np.float32]


def state_dict(folder: Path) -> dict[str, Array]:
    """Return the weights in `folder` (x4.param, x4.bin) under the names that the authors' .pth uses.

    Raises ValueError for an unknown format, or a file that is too short or too long.
    """
    layers = list(_layers(folder / "x4.param"))
    with (folder / "x4.bin").open("rb") as file:
        arrays = [array for kind, options in layers for array in _arrays(file, kind, options)]
        if file.read(1):
            raise ValueError("the .bin file is longer than the layers of the .param file")
    compact = any(kind == "PReLU" for kind, _ in layers)
    names = _compact_names(layers) if compact else _rrdb_names(len(arrays) // 2)
    return dict(zip(names, arrays, strict=True))


def _layers(path: Path) -> Iterator[tuple[str, dict[int, str]]]:
    """Yield kind and options, by number, of each layer with weights. A line is: kind, name, counts, blobs, options."""
    for line in path.read_text("ascii").splitlines()[2:]:
        words = line.split()
        if words[0] in ("Convolution", "PReLU"):
            options = (word.split("=") for word in words if "=" in word)
            yield words[0], {int(number): value for number, value in options}


def _arrays(file: BinaryIO, kind: str, options: dict[int, str]) -> Iterator[Array]:
    outputs = int(options[0])
    if kind == "PReLU":
        yield _floats(file, outputs)
        return
    size, count = int(options[1]), int(options[6])
    yield _kernel(file, count).reshape(outputs, -1, size, size)
    yield _floats(file, outputs)


def _kernel(file: BinaryIO, count: int) -> Array:
    tag = int.from_bytes(file.read(4), "little")
    if tag == FULL_TAG:
        return _floats(file, count)
    if tag != HALF_TAG:
        raise ValueError(f"unknown kernel format: tag {tag:#010x}")
    halves = np.frombuffer(_exactly(file, 2 * count), "<f2").astype(np.float32)
    _exactly(file, -2 * count % 4)
    return halves


def _floats(file: BinaryIO, count: int) -> Array:
    return np.frombuffer(_exactly(file, 4 * count), "<f4").astype(np.float32)


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise ValueError("the .bin file is too short")
    return data


def _compact_names(layers: list[tuple[str, dict[int, str]]]) -> Iterator[str]:
    """Yield the names of SRVGGNetCompact: convolutions and PReLUs in one list."""
    for number, (kind, _) in enumerate(layers):
        yield f"body.{number}.weight"
        if kind == "Convolution":
            yield f"body.{number}.bias"


def _rrdb_names(convolutions: int) -> Iterator[str]:
    """Yield the names of RRDBNet: one convolution, blocks of three times five, and five at the end."""
    blocks = (convolutions - 6) // 15
    inner = [f"body.{b}.rdb{r}.conv{c}" for b in range(blocks) for r in (1, 2, 3) for c in (1, 2, 3, 4, 5)]
    for name in ("conv_first", *inner, "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"):
        yield f"{name}.weight"
        yield f"{name}.bias"
