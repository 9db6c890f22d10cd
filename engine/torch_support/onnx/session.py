"""One graph: its constants where they are needed, its steps in order, and their recording."""

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
"""Runs in one shape before it is recorded: a shape that does not come again is not worth it."""
READ = {"Clip": (1, 2), "Pad": (1, 2, 3), "Resize": (1, 2, 3), "Upsample": (1,)}
"""Inputs that are read as numbers while the graph runs; on a device each would stop it."""


class UnknownOperator(Exception):
    """The graph has an operator that is not known here."""


@dataclass(frozen=True)
class Port:
    """An input or an output of the graph. A side that may vary is a name, or None."""

    name: str
    shape: list[int | str | None]


@dataclass(frozen=True)
class _Step:
    run: Callable[..., Any]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Attributes
    dead: tuple[str, ...]
    """Values that nothing needs after this step."""


class TorchSession:
    """Has what InsightFace asks of an `onnxruntime.InferenceSession`, and `tensors`, which stays on the device."""

    def __init__(self, path: Path, device: str) -> None:
        """Raises UnknownOperator, and what onnx raises for a file that is no network."""
        import onnx

        graph = onnx.load(str(path)).graph
        self.device = torch.device(device)
        constants = dict(_constants(graph))
        read = {name for node in graph.node for name in _read(node)}
        self._constants = {name: self._to_device(value, name in read) for name, value in constants.items()}
        self._inputs = [_port(one) for one in graph.input if one.name not in constants]
        self._outputs = [_port(one) for one in graph.output]
        self._steps = _steps(graph, {port.name for port in self._outputs} | constants.keys())
        self._recorder = GraphRecorder()
        self._replayed = GraphedCallable(self._compute, self._recorder)

    @property
    def bytes(self) -> int:
        return sum(value.nbytes for value in self._constants.values())

    def get_inputs(self) -> list[Port]:
        return self._inputs

    def get_outputs(self) -> list[Port]:
        return self._outputs

    def run(self, names: Sequence[str] | None, feed: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Arrays in, arrays out, as ONNX Runtime does it."""
        given = {name: torch.from_numpy(np.ascontiguousarray(value)).to(self.device) for name, value in feed.items()}
        found = self.tensors(given)
        return [found[name].cpu().numpy() for name in names or [port.name for port in self._outputs]]

    @torch.inference_mode()
    def tensors(self, feed: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Tensors on the device by the inputs' names -> those of the outputs, floats in fp32.

        On a GPU the next run overwrites them.
        """
        given = [feed[port.name] for port in self._inputs]
        known = self._replayed.calls[tuple(tuple(each.shape) for each in given)] >= RUNS_BEFORE_RECORDING
        self._recorder.recording = self.device.type == "cuda" and known
        found = self._replayed(*given)
        return {port.name: value for port, value in zip(self._outputs, found, strict=True)}

    def _compute(self, *given: Tensor) -> tuple[Tensor, ...]:
        named = zip((port.name for port in self._inputs), given, strict=True)
        values: dict[str, Any] = {"": None, **self._constants, **dict(named)}
        for step in self._steps:
            made = step.run(*(values[name] for name in step.inputs), **step.attributes)
            values.update(zip(step.outputs, made if isinstance(made, tuple) else (made,), strict=False))
            for name in step.dead:
                del values[name]
        return tuple(values[port.name] for port in self._outputs)

    def _to_device(self, array: NDArray[Any], read: bool) -> Tensor:
        """Numbers that say shapes stay where Python reads them."""
        value = torch.from_numpy(np.array(array))
        if read or not value.is_floating_point():
            return value
        half = self.device.type == "cuda" and value.ndim > 1
        return value.to(self.device, torch.float16 if half else torch.float32)


def _constants(graph: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    import onnx

    for one in graph.initializer:
        yield one.name, onnx.numpy_helper.to_array(one)
    for node in graph.node:
        if node.op_type == "Constant":
            (told,) = node.attribute
            value = onnx.helper.get_attribute_value(told)
            yield node.output[0], onnx.numpy_helper.to_array(value) if told.name == "value" else np.array(value)


def _read(node: Any) -> list[str]:
    return [node.input[place] for place in READ.get(node.op_type, ()) if place < len(node.input)]


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
