"""Compiles in the background what is replayed often; nobody waits for it.

What comes out is kept on disk, where the next start finds it: Inductor names it by code, shapes, torch and card.
"""

import copy
import os
import queue
import shutil
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import structlog

from engine.backends.sdxl.replay import Function, Replayed, Shape

log = structlog.get_logger()

SHAPES = 64
"""Shapes that a region may be compiled for before torch gives up on it."""
LEAST = (7, 0)
"""Compute capability that Triton needs."""


def can_compile(device: str) -> bool:
    """Whether Triton, a C compiler and a card that Triton knows are here."""
    import torch

    if not device.startswith("cuda") or find_spec("triton") is None:
        return False
    compilers = (os.environ.get("CC"), "cc", "gcc", "clang")
    return any(name and shutil.which(name) for name in compilers) and torch.cuda.get_device_capability(device) >= LEAST


def twin(module: Any, regions: tuple[type, ...]) -> Any:
    """The module again on the same weights, its parts of the types `regions` compiled at their first call."""
    weights = {id(each): each for each in (*module.parameters(), *module.buffers())}
    other = copy.deepcopy(module, weights)
    parts: list[Any] = [each for each in other.modules() if isinstance(each, regions)]
    for part in parts:
        part.compile(dynamic=False)
    return other


class Compiler:
    """One thread that takes one function after the other."""

    def __init__(self, folder: Path) -> None:
        import torch

        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder))
        torch._dynamo.config.recompile_limit = SHAPES  # noqa: SLF001  # torch's only name for it
        self._asked: set[tuple[int, Shape]] = set()
        self._work: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._left = 0
        threading.Thread(target=self._run, daemon=True).start()

    def busy(self) -> bool:
        """While it is, the device's kernels are chosen and timed, and nothing should be recorded."""
        return self._left > 0

    def ask(self, replayed: Replayed, shape: Shape, make: Callable[[], Function], inputs: tuple[Any, ...]) -> None:
        """Once for each shape: improve `replayed` with what `make` gives, after a call of that with `inputs`."""
        if (id(replayed), shape) in self._asked:
            return
        self._asked.add((id(replayed), shape))
        self._left += 1
        self._work.put(lambda: _improve(replayed, shape, make, inputs))

    def close(self) -> None:
        """Take nothing more; what is being compiled ends by itself."""
        self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            try:
                work()
            except Exception:  # the recorded function goes on serving, so this costs speed alone
                log.exception("not compiled; pictures come as fast as before")
            self._left -= 1


def _improve(replayed: Replayed, shape: Shape, make: Callable[[], Function], inputs: tuple[Any, ...]) -> None:
    import torch

    function = make()
    with torch.inference_mode(), torch.cuda.stream(torch.cuda.Stream(inputs[0].device)):
        function(*inputs)
        torch.cuda.current_stream().synchronize()
    replayed.improve(shape, function)
    log.info("compiled", shape=shape[0])
