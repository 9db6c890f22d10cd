"""Compiles frequently replayed functions in the background, so that nobody waits."""

import queue
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from engine.tasks.imagine.sdxl.acceleration.compiled_regions import allow_shapes
from engine.torch_support.compilation import prepare_compiler
from engine.torch_support.cuda import side_stream
from engine.torch_support.cuda_graphs import Function, GraphedCallable, Shape

log = structlog.get_logger()

Ahead = Callable[[tuple[Any, ...]], bool]
"""Compiles for such inputs in another process. Returns False if that failed."""
Placement = Callable[[], int | None]
"""Returns a number that changes whenever weights move, or None while some of them are off the device."""

MAX_ATTEMPTS = 3
"""Attempts to compile a function for a shape."""
YIELD_SECONDS = 0.0002
"""Seconds between thread switches while compiling, instead of Python's 5 ms, so that drawing goes first."""


class Compiler:
    """One thread that compiles one function after another.

    Compiling calls the function once, so its weights must stay on the device. If they move meanwhile, the function is
    postponed rather than failed: whoever draws with them later asks again.
    """

    def __init__(self, folder: Path, placement: Placement) -> None:
        prepare_compiler(folder)
        allow_shapes()
        self._placement = placement
        self._closed = False
        self._asked: Counter[tuple[int, Shape]] = Counter()
        self._waiting: set[tuple[int, Shape]] = set()
        self._prepared: set[tuple[int, Shape]] = set()
        self._timing = False
        self._work: queue.Queue[Callable[[], None] | None] = queue.Queue()
        threading.Thread(target=self._run, daemon=True).start()

    def busy(self) -> bool:
        """Return whether anything is being compiled or queued."""
        return bool(self._waiting)

    def timing(self) -> bool:
        """Return whether the device is timing kernels. Nothing should be recorded meanwhile."""
        return self._timing

    def ask(self, replayed: GraphedCallable, shape: Shape, make: Callable[[], Function], ahead: Ahead) -> None:
        """Improve `replayed` for this shape with the function from `make`, once it has been called with the same
        inputs.

        `make` is called right away by the thread that draws, when no LoRA is in the network that a copy would keep.
        `ahead` is called first with the inputs, to compile in another process. A failure is retried MAX_ATTEMPTS times
        in all.
        """
        name = (id(replayed), shape)
        inputs = None if name in self._waiting or self._asked[name] == MAX_ATTEMPTS else replayed.inputs(shape)
        if inputs:
            self._asked[name] += 1
            self._waiting.add(name)
            improve = partial(self._improve, replayed, shape, make(), inputs)
            self._work.put(partial(self._try, name, improve, partial(ahead, inputs)))

    def _try(self, name: tuple[int, Shape], improve: Callable[[], bool], ahead: Callable[[], bool]) -> None:
        try:
            if name not in self._prepared and ahead():
                self._prepared.add(name)
            if improve():
                self._asked[name] = MAX_ATTEMPTS
            else:
                self._asked[name] -= 1
                log.info("compiling is put off: the weights left the device", shape=name[1][0])
        except Exception as error:  # noqa: BLE001  # what was recorded goes on serving, so a fault costs speed alone
            log.warning("not compiled", why=f"{type(error).__name__}: {error}"[:500])
        finally:
            self._waiting.discard(name)

    def _improve(self, replayed: GraphedCallable, shape: Shape, function: Function, inputs: tuple[Any, ...]) -> bool:
        """Return False if the weights were away or moved, so that nothing could be compiled for them."""
        with self._making_way():
            if not self._compile(function, inputs):
                return False
        replayed.replace(shape, function)
        log.info("compiled", shape=shape[0])
        return True

    def _compile(self, function: Function, inputs: tuple[Any, ...]) -> bool:
        before = self._placement()
        if before is None or self._closed:
            return False
        try:
            _call_once(function, inputs)
        except Exception:
            if self._placement() == before:
                raise
            return False
        return True

    @contextmanager
    def _making_way(self) -> Iterator[None]:
        """Let the drawing thread run before this one within the context."""
        usual = sys.getswitchinterval()
        sys.setswitchinterval(YIELD_SECONDS)
        self._timing = True
        try:
            yield
        finally:
            self._timing = False
            sys.setswitchinterval(usual)

    def close(self) -> None:
        """Accept no more work and drop the queue. A compilation under way ends by itself."""
        self._closed = True
        self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None and not self._closed:
            work()


def _call_once(function: Function, inputs: tuple[Any, ...]) -> None:
    import torch

    with torch.inference_mode(), side_stream(inputs[0].device):
        function(*inputs)
        if inputs[0].is_cuda:
            torch.cuda.current_stream().synchronize()
