"""The model pool: loads a model once and, to stay within a memory budget, offloads the least recently used ones."""

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import structlog

from engine.core.errors import MissingModel, out_of_memory

log = structlog.get_logger()


class Model(Protocol):
    """A model that the pool can hold."""

    @property
    def size(self) -> int:
        """Bytes on the device."""

    def close(self) -> None:
        """Free the device's memory. The model is not used again."""


@runtime_checkable
class Offloadable(Protocol):
    """A model that can be moved to the host's memory and back."""

    def offload(self) -> bool:
        """Move the model to the host. Returns False, leaving it where it is, if the host lacks memory."""

    def onload(self) -> None:
        """Move the model back to the device."""


@runtime_checkable
class MemoryScalable(Protocol):
    """A model that can trade speed for memory."""

    def set_memory_level(self, level: int) -> None:
        """Set how much memory to save. 0: none, fastest. 1: work in smaller pieces. 2: load its parts one at a time."""


@dataclass
class _Held:
    model: Any
    used: float
    offloaded: bool = False


class Pool:
    """Models by name, within a budget in bytes. A model in use is never evicted.

    Threads of one job may use the pool at the same time, each with a different model. Loading is serialised by a lock.
    """

    def __init__(self, budget: int, loaders: Mapping[str, Callable[[], Model]]) -> None:
        #: Level passed to `MemoryScalable.set_memory_level`.
        self.memory_level = 0
        self._budget = budget
        self._loaders = loaders
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._using: Counter[str] = Counter()
        self._sizes: dict[str, int] = {}
        self._lock = threading.RLock()

    @contextmanager
    def use(self, name: str) -> Iterator[Any]:
        """Yield the model, loading it or moving it back first. Raises what its loader raises, such as MissingModel."""
        model = self._acquire(name)
        try:
            if isinstance(model, MemoryScalable):
                model.set_memory_level(self.memory_level)
            yield model
        finally:
            with self._lock:
                self._using[name] -= 1
                if name in self._held:
                    self._held[name].used = time.monotonic()

    def __len__(self) -> int:
        return len(self._held)

    def resident_bytes(self) -> dict[str, int]:
        """Return the bytes on the device by model, the least recently used first."""
        with self._lock:
            return {name: held.model.size for name, held in self._held.items() if not held.offloaded}

    def free(self) -> None:
        """Close every model that is not in use."""
        with self._lock:
            for name in self._idle():
                self._held.pop(name).model.close()

    def evict_idle(self, idle: float) -> bool:
        """Close models that nothing has used for `idle` seconds, on device or host. Returns whether there were any."""
        with self._lock:
            due = [name for name in self._idle() if time.monotonic() - self._held[name].used >= idle]
            for name in due:
                log.info("idle model unloaded", model=name)
                self._held.pop(name).model.close()
        return bool(due)

    def _acquire(self, name: str) -> Any:
        with self._lock:
            self._make_room(name)
            model = self._load_or_onload(name)
            self._using[name] += 1
            try:
                self._make_room(name)
            except BaseException:
                self._using[name] -= 1
                raise
            return model

    def _idle(self) -> list[str]:
        return [name for name in self._held if not self._using[name]]

    def _load_or_onload(self, name: str) -> Any:
        held = self._held.get(name)
        if held is None:
            held = self._held[name] = _Held(self._load(name), time.monotonic())
        elif held.offloaded:
            held.model.onload()
            held.offloaded = False
        self._held.move_to_end(name)
        self._sizes[name] = held.model.size
        return held.model

    def _load(self, name: str) -> Model:
        """Load a model. If memory runs out, close the idle models and try again."""
        try:
            return self._loaders[name]()
        except ModuleNotFoundError as error:
            raise MissingModel(
                "The model that config.toml asks for needs {library}, which is not installed. Ask an admin to run"
                " scripts/setup --full and restart Atelier.",
                library=(error.name or str(error)).partition(".")[0],
            ) from error
        except Exception as error:
            if not out_of_memory(error) or not self._idle():
                raise
            log.warning("out of memory while loading; closing the idle models", model=name)
        self.free()
        return self._loaders[name]()

    def _make_room(self, name: str) -> None:
        """Evict the least recently used models until `name`, at its last known size, fits beside the rest."""
        incoming = {name: self._sizes.get(name, 0)}
        for other in self._idle():
            if sum({**incoming, **self.resident_bytes()}.values()) <= self._budget:
                return
            if other != name and not self._held[other].offloaded:
                self._evict(other)

    def _evict(self, name: str) -> None:
        """Move a model to the host, or close it if that is impossible."""
        held = self._held[name]
        if isinstance(held.model, Offloadable) and held.model.offload():
            held.offloaded = True
        else:
            self._held.pop(name).model.close()
