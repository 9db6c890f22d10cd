"""A function of tensors, recorded once a shape as a CUDA graph and then replayed.

A UNet's call is about 3,000 kernels. Launched one by one they take the CPU longer than the card takes to run them; a
replay is one launch.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

MAX_SHAPES = 12
"""Shapes that a function is recorded for; the least lately used goes."""
MAX_COUNTED_SHAPES = 512
"""Shapes whose calls are counted; past that the rarer half is forgotten."""
WARMUP_CALLS = 2
"""Calls before a recording, in which libraries choose their kernels."""

Shape = tuple[tuple[int, ...], ...]
Function = Callable[..., Any]


class _Recording(NamedTuple):
    function: Function
    graph: Any
    inputs: tuple[Any, ...]
    output: Any


@dataclass
class GraphRecorder:
    """What the functions of one model have in common. `make_pool` makes a pool of memory that their recordings share.

    Nothing new is recorded unless `recording`; while it is `disabled`, as weights are not what they were when a
    recording was made, functions are simply called.
    """

    make_pool: Callable[[], Any] = lambda: None
    recording: bool = False
    disabled: bool = False
    is_busy: Callable[[], bool] = lambda: False

    recording_count: int = 0
    _pool: Any = None

    def pool(self) -> Any:
        """For one recording more. A new one where none is held: a pool goes with the last that is in it, or was to be,
        and torch takes its name for a fault then.
        """
        if not self.recording_count:
            self._pool = self.make_pool()
        return self._pool

    def may_record(self) -> bool:
        return self.recording and not self.is_busy()


class GraphedCallable:
    """`function` takes tensors. What a call gives is overwritten by the next call; without a recording it is called."""

    def __init__(self, function: Function, recorder: GraphRecorder) -> None:
        self._function = function
        self._recorder = recorder
        self._replacements: dict[Shape, Function] = {}
        self._recordings: OrderedDict[Shape, _Recording] = OrderedDict()
        self.calls: Counter[Shape] = Counter()

    def __call__(self, *inputs: Any) -> Any:
        if self._recorder.disabled:
            return self._function(*inputs)
        shape = tuple(tuple(each.shape) for each in inputs)
        self._count(shape)
        recording = self._recording(shape, inputs)
        if recording is None:
            return self._function(*inputs)
        for held, given in zip(recording.inputs, inputs, strict=True):
            held.copy_(given)
        recording.graph.replay()
        return recording.output

    def replace(self, shape: Shape, function: Function) -> None:
        """Record `function`, which computes the same faster, for calls of this shape as soon as that can be done."""
        self._replacements[shape] = function

    def inputs(self, shape: Shape) -> tuple[Any, ...] | None:
        """Copies of what was last given in this shape; None where it is not recorded."""
        recording = self._recordings.get(shape)
        return tuple(each.clone() for each in recording.inputs) if recording else None

    def forget(self) -> None:
        """Give the recordings' memory back; a recording is of no use once weights have moved."""
        while self._recordings:
            self._drop(next(iter(self._recordings)))

    def _count(self, shape: Shape) -> None:
        self.calls[shape] += 1
        if len(self.calls) > MAX_COUNTED_SHAPES:
            self.calls = Counter(dict(self.calls.most_common(MAX_COUNTED_SHAPES // 2)))

    def _recording(self, shape: Shape, inputs: tuple[Any, ...]) -> _Recording | None:
        best = self._replacements.get(shape, self._function)
        recording = self._recordings.get(shape)
        if (recording is None or recording.function is not best) and self._recorder.may_record():
            if recording is not None:
                self._drop(shape)
            recording = self._recordings[shape] = _record(best, inputs, self._recorder.pool())
            self._recorder.recording_count += 1
            if len(self._recordings) > MAX_SHAPES:
                self._drop(next(iter(self._recordings)))
        if recording is not None:
            self._recordings.move_to_end(shape)
        return recording

    def _drop(self, shape: Shape) -> None:
        del self._recordings[shape]
        self._recorder.recording_count -= 1


def _record(function: Function, inputs: tuple[Any, ...], pool: Any) -> _Recording:
    import torch

    held = tuple(each.clone() for each in inputs)
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(WARMUP_CALLS):
            function(*held)
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
        output = function(*held)
    return _Recording(function, graph, held, output)
