"""Run one ONNX graph: keep its constants on the device, run its steps in order, and record them as a CUDA graph."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.torch_support.cuda_graphs import GraphedCallable, GraphRecorder
from engine.torch_support.onnx.operators import OPERATORS, Attributes

Tensor = Any  # torch.Tensor, of which the types are Any here

RUNS_BEFORE_RECORDING = 2
"""Number of runs with one input shape before it is recorded. Recording a shape that is used once is a waste."""
HOST_INPUTS = {"Clip": (1, 2), "Pad": (1, 2, 3), "Resize": (1, 2, 3), "Upsample": (1,)}
"""Inputs whose values Python reads during a run, by operator. They stay on the CPU, to avoid waiting for the device."""


class UnknownOperator(Exception):
    """The graph contains an operator that `operators` does not implement."""


@dataclass(frozen=True)
class Port:
    """An input or an output of the graph. A dimension that may vary is a name or None."""

    name: str
    shape: list[int | str | None]


@dataclass(frozen=True)
class _Step:
    run: Callable[..., Any]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Attributes
    dead: tuple[str, ...]
    """Values that no later step needs."""


class TorchSession:
    """Implements what InsightFace uses of `onnxruntime.InferenceSession`, plus `tensors`, which stays on the device."""

    def __init__(self, path: Path, device: str) -> None:
        """Load the graph. Raises UnknownOperator, and the errors of onnx for a file that is not a network."""
        import onnx

        graph = onnx.load(str(path)).graph
        self.device = torch.device(device)
        constants = dict(_constants(graph))
        host_inputs = {name for node in graph.node for name in _host_inputs(node)}
        self._constants = {name: self._to_device(value, name in host_inputs) for name, value in constants.items()}
        self._inputs = [_port(one) for one in graph.input if one.name not in constants]
        self._outputs = [_port(one) for one in graph.output]
        self._steps = _steps(graph, {port.name for port in self._outputs} | constants.keys())
        self._recorder = GraphRecorder()
        self._replayed = GraphedCallable(self._compute, self._recorder)

    @property
    def bytes(self) -> int:
        """Return the size of the graph's constants in bytes."""
        return sum(value.nbytes for value in self._constants.values())

    def get_inputs(self) -> list[Port]:
        """Return the graph's inputs, as ONNX Runtime does."""
        return self._inputs

    def get_outputs(self) -> list[Port]:
        """Return the graph's outputs, as ONNX Runtime does."""
        return self._outputs

    def run(self, names: Sequence[str] | None, feed: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Run the graph on arrays by input name, and return the arrays of the outputs `names`, by default all.

        The interface is ONNX Runtime's.
        """
        inputs = {name: torch.from_numpy(np.ascontiguousarray(value)).to(self.device) for name, value in feed.items()}
        outputs = self.tensors(inputs)
        return [outputs[name].cpu().numpy() for name in names or [port.name for port in self._outputs]]

    @torch.inference_mode()
    def tensors(self, feed: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run the graph on device tensors by input name, and return its outputs by name, floats in fp32.

        On a GPU the next run overwrites the outputs.
        """
        inputs = [feed[port.name] for port in self._inputs]
        is_frequent = self._replayed.calls[tuple(tuple(each.shape) for each in inputs)] >= RUNS_BEFORE_RECORDING
        self._recorder.recording = self.device.type == "cuda" and is_frequent
        outputs = self._replayed(*inputs)
        return {port.name: value for port, value in zip(self._outputs, outputs, strict=True)}

    def _compute(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        named = zip((port.name for port in self._inputs), inputs, strict=True)
        values: dict[str, Any] = {"": None, **self._constants, **dict(named)}
        for step in self._steps:
            outputs = step.run(*(values[name] for name in step.inputs), **step.attributes)
            values.update(zip(step.outputs, outputs if isinstance(outputs, tuple) else (outputs,), strict=False))
            for name in step.dead:
                del values[name]
        return tuple(values[port.name] for port in self._outputs)

    def _to_device(self, array: NDArray[Any], is_host_input: bool) -> Tensor:
        """Copy a constant to the device, but keep integers, such as shapes, and host inputs on the CPU."""
        value = torch.from_numpy(np.array(array))
        if is_host_input or not value.is_floating_point():
            return value
        half = self.device.type == "cuda" and value.ndim > 1
        return value.to(self.device, torch.float16 if half else torch.float32)


def _constants(graph: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    import onnx

    for one in graph.initializer:
        yield one.name, onnx.numpy_helper.to_array(one)
    for node in graph.node:
        if node.op_type == "Constant":
            (attribute,) = node.attribute
            value = onnx.helper.get_attribute_value(attribute)
            yield node.output[0], onnx.numpy_helper.to_array(value) if attribute.name == "value" else np.array(value)


def _host_inputs(node: Any) -> list[str]:
    return [node.input[index] for index in HOST_INPUTS.get(node.op_type, ()) if index < len(node.input)]


def _port(value: Any) -> Port:
    sides = value.type.tensor_type.shape.dim
    return Port(value.name, [side.dim_value or side.dim_param or None for side in sides])


def _steps(graph: Any, kept: set[str]) -> list[_Step]:
    import onnx

    nodes = [node for node in graph.node if node.op_type != "Constant"]
    last = {name: number for number, node in enumerate(nodes) for name in node.input}
    steps = []
    for number, node in enumerate(nodes):
        if node.op_type not in OPERATORS:
            raise UnknownOperator(node.op_type)
        attributes = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
        dead = {name for name in node.input if name and name not in kept and last[name] == number}
        run = OPERATORS[node.op_type]
        steps.append(_Step(run, tuple(node.input), tuple(node.output), attributes, tuple(dead)))
    return steps
