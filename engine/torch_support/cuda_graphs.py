"""Record a function of tensors as a CUDA graph, once for each input shape, and replay it.

One call of a UNet launches about 3,000 kernels. The CPU needs longer to launch them than the GPU to run them; a replay
is a single launch.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

MAX_SHAPES = 12
"""Maximum number of recordings of a function. The least recently used is dropped."""
MAX_COUNTED_SHAPES = 512
"""Maximum number of shapes whose calls are counted. Beyond it, the rarer half is forgotten."""
WARMUP_CALLS = 2
"""Number of calls before a recording, in which libraries choose their kernels."""

Shape = tuple[tuple[int, ...], ...]
Function = Callable[..., Any]


class _Recording(NamedTuple):
    function: Function
    graph: Any
    inputs: tuple[Any, ...]
    output: Any


@dataclass
class GraphRecorder:
    """Settings and memory that the functions of one model share.

    `make_pool` creates the memory pool of their recordings. New recordings are made only while `recording` is set and
    `is_busy` returns False. While `disabled` is set, because weights differ from those that were recorded, functions
    are called directly.
    """

    make_pool: Callable[[], Any] = lambda: None
    recording: bool = False
    disabled: bool = False
    is_busy: Callable[[], bool] = lambda: False

    recording_count: int = 0
    _pool: Any = None

    def pool(self) -> Any:
        """Return the memory pool for another recording.

        A pool is freed with its last recording, and torch rejects the handle of a freed pool, so this creates a new one
        if there are no recordings.
        """
        if not self.recording_count:
            self._pool = self.make_pool()
        return self._pool

    def may_record(self) -> bool:
        """Return whether a recording may be made now."""
        return self.recording and not self.is_busy()


class GraphedCallable:
    """Calls a function of tensors, by replaying a recording where there is one.

    A replay's result is overwritten by the next call of the same shape.
    """

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
        """Use `function`, a faster equivalent, for calls of this shape, and record it as soon as possible."""
        self._replacements[shape] = function

    def inputs(self, shape: Shape) -> tuple[Any, ...] | None:
        """Return copies of the last inputs of this shape, or None if the shape is not recorded."""
        recording = self._recordings.get(shape)
        return tuple(each.clone() for each in recording.inputs) if recording else None

    def forget(self) -> None:
        """Drop all recordings and free their memory. Recordings are invalid once weights have moved."""
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
