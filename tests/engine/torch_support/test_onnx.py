"""ONNX graphs through torch give what ONNX Runtime gives."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from engine.torch_support.onnx import TorchSession, UnknownOperator
from tests import tiny_faces

RANDOM = np.random.default_rng(3)


def same(path: Path, **feed: NDArray[np.float32]) -> None:
    peer = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    named = {one.name: feed[f"x{number}"] for number, one in enumerate(peer.get_inputs())}
    ours = TorchSession(path, "cpu")
    assert [one.name for one in ours.get_inputs()] == [one.name for one in peer.get_inputs()]
    expected, found = peer.run(None, named), ours.run(None, named)
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(other, one, rtol=2e-3, atol=2e-4)


def image(*shape: int) -> NDArray[np.float32]:
    return RANDOM.random(shape, np.float32)


def test_a_network_of_inswappers_shape(tmp_path: Path) -> None:
    same(tiny_faces.inswapper(tmp_path / "a.onnx", 16, 2), x0=image(1, 3, 128, 128), x1=image(1, 512))


def test_a_detector_at_any_size(tmp_path: Path) -> None:
    path = tiny_faces.detector(tmp_path / "a.onnx")
    for side in (128, 320):
        same(path, x0=image(1, 3, side, side))


def test_a_network_of_arcfaces_shape(tmp_path: Path) -> None:
    same(tiny_faces.recogniser(tmp_path / "a.onnx"), x0=image(2, 3, 112, 112))


SINGLE: dict[str, dict[str, Any]] = {
    "Resize": {
        "mode": "nearest",
        "inputs": ["roi", "scales"],
        "weights": {"roi": np.zeros(0, np.float32), "scales": np.array([1, 1, 2, 2], np.float32)},
    },
    "ConvTranspose": {"inputs": ["w"], "weights": {"w": image(3, 4, 4, 4)}, "strides": [2, 2], "pads": [1, 1, 1, 1]},
    "Conv": {"inputs": ["w"], "weights": {"w": image(6, 1, 3, 3)}, "group": 3, "pads": [1, 0, 1, 2]},
    "Pad": {"inputs": ["p"], "weights": {"p": np.array([0, 0, 1, 2, 0, 0, 3, 1])}, "mode": "edge"},
    "Transpose": {"perm": [0, 2, 3, 1]},
    "Softmax": {"axis": -1},
    "GlobalAveragePool": {},
    "ReduceSum": {"axes": [1], "keepdims": 0},
    "AveragePool": {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
    "MaxPool": {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
    "Clip": {"inputs": ["low", "high"], "weights": {"low": np.float32(0.2), "high": np.float32(0.7)}},
    "Gather": {"inputs": ["i"], "weights": {"i": np.array([2, 0])}, "axis": 1},
    "Reshape": {"inputs": ["s"], "weights": {"s": np.array([0, -1, 8])}},
    "InstanceNormalization": {"inputs": ["s", "b"], "weights": {"s": image(3), "b": image(3)}, "epsilon": 1e-5},
}


@pytest.mark.parametrize("kind", SINGLE)
def test_an_operator_alone(kind: str, tmp_path: Path) -> None:
    attributes = dict(SINGLE[kind])
    names = list(attributes.pop("inputs", []))
    weights = [onnx_array(value, name) for name, value in attributes.pop("weights", {}).items()]
    node = helper.make_node(kind, ["x", *names], ["y"], **attributes)
    ports = [tiny_faces.port("x", 1, 3, 8, 8)], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    graph = helper.make_graph([node], "one", *ports, weights)
    path = tmp_path / "a.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    same(path, x0=image(1, 3, 8, 8))


def onnx_array(value: NDArray[Any], name: str) -> object:
    from onnx import numpy_helper

    return numpy_helper.from_array(np.asarray(value), name)


def test_an_unknown_operator_is_named_before_anything_runs(tmp_path: Path) -> None:
    node = helper.make_node("Loop", ["x"], ["y"])
    graph = helper.make_graph([node], "one", [tiny_faces.port("x", 1)], [tiny_faces.port("y", 1)])
    (tmp_path / "a.onnx").write_bytes(helper.make_model(graph).SerializeToString())
    with pytest.raises(UnknownOperator, match="Loop"):
        TorchSession(tmp_path / "a.onnx", "cpu")
