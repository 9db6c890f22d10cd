"""Builds ONNX networks shaped like InsightFace's, with random weights and any number of channels.

The detector is not random: it finds a face of fixed size at every green patch. A blue patch beside the green one is
its chin: the detector is sure of the face only if it is below.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Values = NDArray[np.float32]
EYES = ((-0.9, -0.8), (0.9, -0.8))
MARKS = (*EYES, (0.0, 0.1), (-0.7, 1.0), (0.7, 1.0))
"""Positions of eyes, nose and corners of the mouth around a green patch, in strides of 32 pixels."""
BOX = (1.8, 2.0, 1.8, 2.0)
"""Distances of the box's edges from the patch, in strides of 32 pixels."""


class Graph:
    """Collects the nodes and weights of a network."""

    def __init__(self, seed: int = 0) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self._random = np.random.default_rng(seed)

    def weight(self, value: Values | Sequence[int]) -> str:
        """Add a constant and return its name."""
        name = f"w{len(self.weights)}"
        array = np.asarray(value, np.int64) if isinstance(value, list | tuple) else value
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def random(self, *shape: int) -> str:
        """Add random weights and return their name."""
        fan = max(1, int(np.prod(shape[1:])))
        return self.weight(self._random.standard_normal(shape, np.float32) * np.float32((2 / fan) ** 0.5))

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node and return the name of its output."""
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=f"{kind}_{len(self.nodes)}", **attributes))
        return name

    def conv(self, x: str, before: int, after: int, side: int, *, stride: int = 1, pad: int = 0) -> str:
        """Add a convolution with random weights and return the name of its output."""
        weight, bias = self.random(after, before, side, side), self.weight(np.zeros(after, np.float32))
        return self.add("Conv", x, weight, bias, kernel_shape=[side] * 2, strides=[stride] * 2, pads=[pad] * 4)

    def save(self, path: Path, inputs: Sequence[Any], outputs: Sequence[Any]) -> Path:
        """Write the network to `path`."""
        graph = helper.make_graph(self.nodes, "tiny", list(inputs), list(outputs), self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(model, str(path))
        return path


def port(name: str, *shape: int | str) -> Any:
    """Return a float input or output of the network."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))


def inswapper(path: Path, channels: int = 8, blocks: int = 6) -> Path:
    """Write a network like inswapper_128, which has 1024 channels in its 6 blocks."""
    graph = Graph()
    x = graph.add("Pad", "target", graph.weight([0, 0, 3, 3, 0, 0, 3, 3]), mode="reflect")
    widths = [3, channels // 8, channels // 4, channels // 2, channels]
    for number, (side, stride, pad) in enumerate(((7, 1, 0), (3, 1, 1), (3, 2, 1), (3, 2, 1))):
        x = graph.add(
            "LeakyRelu", graph.conv(x, widths[number], widths[number + 1], side, stride=stride, pad=pad), alpha=0.2
        )
    for _ in range(blocks):
        x = graph.add("Add", x, _styled(graph, graph.add("Relu", _styled(graph, x, channels)), channels))
    none, scales = (graph.weight(np.array(value, np.float32)) for value in ((), (1, 1, 2, 2)))
    for before, after in ((channels, channels // 2), (channels // 2, channels // 4)):
        large = graph.add("Resize", x, none, scales, mode="linear", coordinate_transformation_mode="half_pixel")
        x = graph.add("LeakyRelu", graph.conv(large, before, after, 3, stride=1, pad=1), alpha=0.2)
    x = graph.add("LeakyRelu", graph.conv(x, channels // 4, channels // 8, 3, stride=1, pad=1), alpha=0.2)
    x = graph.add("Pad", x, graph.weight([0, 0, 3, 3, 0, 0, 3, 3]), mode="reflect")
    x = graph.add("Tanh", graph.conv(x, channels // 8, 3, 7))
    half = graph.weight(np.array(0.5, np.float32))
    graph.add("Add", graph.add("Mul", x, half), half)
    graph.nodes[-1].output[0] = "output"
    graph.random(512, 512)
    ports = [port("target", 1, 3, 128, 128), port("source", 1, 512)]
    return graph.save(path, ports, [port("output", 1, 3, 128, 128)])


def _styled(graph: Graph, x: str, channels: int) -> str:
    """Add a convolution with its norm written out, scaled and shifted by the identity."""
    padded = graph.add("Pad", x, graph.weight([0, 0, 1, 1, 0, 0, 1, 1]), mode="reflect")
    x = graph.conv(padded, channels, channels, 3)
    away = graph.add("Sub", x, graph.add("ReduceMean", x, axes=[2, 3], keepdims=1))
    var = graph.add("ReduceMean", graph.add("Mul", away, away), axes=[2, 3], keepdims=1)
    spread = graph.add("Sqrt", graph.add("Add", var, graph.weight(np.array(1e-8, np.float32))))
    norm = graph.add("Mul", away, graph.add("Div", graph.weight(np.array(1, np.float32)), spread))
    bias = graph.weight(np.concatenate([np.ones(channels), np.zeros(channels)]).astype(np.float32))
    style = graph.add("Gemm", "source", graph.random(2 * channels, 512), bias, transB=1)
    style = graph.add("Unsqueeze", graph.add("Unsqueeze", style, axes=[2]), axes=[3])
    step, ends = graph.weight([1]), [(0, channels), (channels, 2 * channels)]
    scale, shift = (
        graph.add("Slice", style, graph.weight([first]), graph.weight([last]), step) for first, last in ends
    )
    return graph.add("Add", graph.add("Mul", norm, scale), shift)


def detector(path: Path) -> Path:
    """Write a detector with the heads of det_10g, of which only stride 32 detects anything: green."""
    graph = Graph()
    heads: dict[str, list[str]] = {"score": [], "box": [], "marks": []}
    for stride in (8, 16, 32):
        pooled = graph.add("AveragePool", "input.1", kernel_shape=[stride] * 2, strides=[stride] * 2)
        score = _head(graph, pooled, _green() * (stride == 32), np.full(2, -8, np.float32), 1)
        heads["score"].append(graph.add("Sigmoid", score))
        heads["box"].append(_head(graph, pooled, np.zeros((8, 3, 1, 1)), np.tile(BOX, 2), 4))
        heads["marks"].append(_head(graph, pooled, np.zeros((20, 3, 1, 1)), np.tile(np.ravel(MARKS), 2), 10))
    named = [name for kind in heads.values() for name in kind]
    sizes = [size for size in (1, 4, 10) for _ in range(3)]
    outputs = [port(name, "n", size) for name, size in zip(named, sizes, strict=True)]
    return graph.save(path, [port("input.1", 1, 3, "height", "width")], outputs)


def _green() -> Values:
    """Return a kernel (2, 3, 3, 3) for green without blue above it or beside it."""
    weight = np.zeros((2, 3, 3, 3), np.float32)
    weight[:, :, 1, 1] = (-6, 6, -6)
    for row, column in ((0, 1), (1, 0), (1, 2)):
        weight[:, :, row, column] = (4, 0, -4)
    return weight


def _head(graph: Graph, x: str, weight: NDArray[Any], bias: NDArray[Any], size: int) -> str:
    named = graph.weight(weight.astype(np.float32)), graph.weight(bias.astype(np.float32))
    told = graph.add("Transpose", graph.add("Conv", x, *named, pads=[weight.shape[-1] // 2] * 4), perm=[0, 2, 3, 1])
    return graph.add("Reshape", told, graph.weight([-1, size]))


def recogniser(path: Path, channels: int = 8) -> Path:
    """Write a network from 112 x 112 pixels to 512 numbers with the operators of w600k_r50."""
    graph = Graph(1)
    x = graph.conv("input.1", 3, channels, 3, stride=2, pad=1)
    x = graph.add("PRelu", x, graph.weight(np.full((channels, 1, 1), 0.25, np.float32)))
    told = [graph.weight(np.full(channels, value, np.float32)) for value in (1.0, 0.1, 0.0, 1.0)]
    x = graph.add("BatchNormalization", x, *told, epsilon=1e-5)
    x = graph.add("Add", x, graph.conv(x, channels, channels, 3, stride=1, pad=1))
    x = graph.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = graph.add("Flatten", graph.conv(x, channels, channels, 3, stride=2, pad=1), axis=1)
    graph.add("Gemm", x, graph.random(512, channels * 14 * 14), graph.weight(np.zeros(512, np.float32)), transB=1)
    graph.nodes[-1].output[0] = "683"
    return graph.save(path, [port("input.1", "n", 3, 112, 112)], [port("683", "n", 512)])


def folder(place: Path) -> Path:
    """Write all networks to `place`, as models.faceswap expects them."""
    detector(place / "buffalo_l" / "det_10g.onnx")
    recogniser(place / "buffalo_l" / "w600k_r50.onnx")
    inswapper(place / "inswapper_128.onnx")
    return place
