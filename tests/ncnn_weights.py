"""ncnn's files read into a state dict of torch, so that the full tier runs where only the embedded weights are.

A .param file lists the layers, and the .bin file holds their weights in that order: of a convolution the kernel, which
starts with the tag 0x01306B47 where it is fp16 (padded to 4 bytes) and with 0 where it is fp32, then the bias in fp32;
of a PReLU its slopes in fp32. Source: ncnn's wiki, "param and model file structure".
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

HALF = 0x01306B47
FULL = 0
Array = NDArray[np.float32]


def state_dict(folder: Path) -> dict[str, Array]:
    """The network in `folder` (x4.param, x4.bin) under the names that its authors' .pth gives its arrays.

    Raises ValueError for a file of another kind, or one that is cut off or too long.
    """
    layers = list(_layers(folder / "x4.param"))
    with (folder / "x4.bin").open("rb") as file:
        arrays = [array for kind, options in layers for array in _arrays(file, kind, options)]
        if file.read(1):
            raise ValueError("the .bin file goes on after the last layer of the .param file")
    compact = any(kind == "PReLU" for kind, _ in layers)
    names = _compact_names(layers) if compact else _rrdb_names(len(arrays) // 2)
    return dict(zip(names, arrays, strict=True))


def _layers(path: Path) -> Iterator[tuple[str, dict[int, str]]]:
    """Kind and options by number of each layer that has weights. A line: kind, name, counts, blobs, options."""
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
    if tag == FULL:
        return _floats(file, count)
    if tag != HALF:
        raise ValueError(f"a kernel is stored in a way that is not read here: tag {tag:#010x}")
    halves = np.frombuffer(_exactly(file, 2 * count), "<f2").astype(np.float32)
    _exactly(file, -2 * count % 4)
    return halves


def _floats(file: BinaryIO, count: int) -> Array:
    return np.frombuffer(_exactly(file, 4 * count), "<f4").astype(np.float32)


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise ValueError("the .bin file is cut off")
    return data


def _compact_names(layers: list[tuple[str, dict[int, str]]]) -> Iterator[str]:
    """SRVGGNetCompact: convolutions and PReLUs in one list."""
    for number, (kind, _) in enumerate(layers):
        yield f"body.{number}.weight"
        if kind == "Convolution":
            yield f"body.{number}.bias"


def _rrdb_names(convolutions: int) -> Iterator[str]:
    """RRDBNet: one convolution, blocks of three times five, then five that gather, enlarge and end."""
    blocks = (convolutions - 6) // 15
    inner = [f"body.{b}.rdb{r}.conv{c}" for b in range(blocks) for r in (1, 2, 3) for c in (1, 2, 3, 4, 5)]
    for name in ("conv_first", *inner, "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"):
        yield f"{name}.weight"
        yield f"{name}.bias"
