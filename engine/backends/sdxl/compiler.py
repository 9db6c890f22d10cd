"""Compiles in the background what is replayed often; nobody waits for it."""

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

from engine.backends.compiling import keep_compiled
from engine.backends.replay import Function, Replayed, Shape
from engine.backends.sdxl.regions import allow_shapes

log = structlog.get_logger()

Ahead = Callable[[tuple[Any, ...]], object]

TRIES = 3
BRIEF = 0.0002
"""Seconds after which the compiler's thread makes way for the one that draws, in place of Python's 5 ms."""


class Compiler:
    """One thread that takes one function after the other."""

    def __init__(self, folder: Path) -> None:
        keep_compiled(folder)
        allow_shapes()
        self._asked: Counter[tuple[int, Shape]] = Counter()
        self._waiting: set[tuple[int, Shape]] = set()
        self._timing = False
        self._work: queue.Queue[Callable[[], None] | None] = queue.Queue()
        threading.Thread(target=self._run, daemon=True).start()

    def busy(self) -> bool:
        """Whether anything is being compiled or waits for it."""
        return bool(self._waiting)

    def timing(self) -> bool:
        """While it is, the device's kernels are chosen and timed, and nothing should be recorded."""
        return self._timing

    def ask(self, replayed: Replayed, shape: Shape, make: Callable[[], Function], ahead: Ahead) -> None:
        """Improve `replayed` for this shape with what `make` gives, once it has been called with the same inputs.

        `ahead` is called with them before, to compile elsewhere what that will take. What failed, as when its weights
        left the device meanwhile, is tried again TRIES times in all.
        """
        name = (id(replayed), shape)
        inputs = None if name in self._waiting or self._asked[name] == TRIES else replayed.inputs(shape)
        if inputs:
            self._asked[name] += 1
            self._waiting.add(name)
            self._work.put(partial(self._try, name, partial(self._improve, replayed, shape, make, ahead, inputs)))

    def _try(self, name: tuple[int, Shape], improve: Callable[[], None]) -> None:
        try:
            improve()
            self._asked[name] = TRIES
        except Exception as error:  # noqa: BLE001  # what was recorded goes on serving, so a fault costs speed alone
            log.warning("not compiled", why=f"{type(error).__name__}: {error}"[:500])
        finally:
            self._waiting.discard(name)

    def _improve(
        self,
        replayed: Replayed,
        shape: Shape,
        make: Callable[[], Function],
        ahead: Ahead,
        inputs: tuple[Any, ...],
    ) -> None:
        ahead(inputs)
        with self._making_way():
            function = make()
            _call_once(function, inputs)
        replayed.improve(shape, function)
        log.info("compiled", shape=shape[0])

    @contextmanager
    def _making_way(self) -> Iterator[None]:
        """The thread that draws goes before this one."""
        usual = sys.getswitchinterval()
        sys.setswitchinterval(BRIEF)
        self._timing = True
        try:
            yield
        finally:
            self._timing = False
            sys.setswitchinterval(usual)

    def close(self) -> None:
        """Take nothing more; what is being compiled ends by itself."""
        self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()


def _call_once(function: Function, inputs: tuple[Any, ...]) -> None:
    import torch

    with torch.inference_mode(), torch.cuda.stream(torch.cuda.Stream(inputs[0].device)):
        function(*inputs)
        torch.cuda.current_stream().synchronize()
