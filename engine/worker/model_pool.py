"""The pool of models: load once, fit a memory budget, move out what was used least lately, and bring it back."""

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
    """What the pool holds. `size` is in bytes on the device; `close` gives them back."""

    @property
    def size(self) -> int: ...

    def close(self) -> None: ...


@runtime_checkable
class Offloadable(Protocol):
    """A model that can wait in the host's memory. `offload` is False where there is no room for it."""

    def offload(self) -> bool: ...

    def onload(self) -> None: ...


@runtime_checkable
class MemoryScalable(Protocol):
    """A model that can do with less memory: 0 is as fast as it can, 1 in smaller pieces, 2 with its parts in turn."""

    def set_memory_level(self, level: int) -> None: ...


@dataclass
class _Held:
    model: Any
    used: float
    offloaded: bool = False


class Pool:
    """Models by name under a budget in bytes; those in use stay. `spare` is the level that models are asked for.

    Several threads of a job may use it, each another model.
    """

    def __init__(self, budget: int, loaders: Mapping[str, Callable[[], Model]]) -> None:
        self.spare = 0
        self._budget = budget
        self._loaders = loaders
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._using: Counter[str] = Counter()
        self._sizes: dict[str, int] = {}
        self._lock = threading.RLock()

    @contextmanager
    def use(self, name: str) -> Iterator[Any]:
        """The model, loaded or brought back if need be. Raises what its loader raises, such as MissingModel."""
        model = self._acquire(name)
        try:
            if isinstance(model, MemoryScalable):
                model.set_memory_level(self.spare)
            yield model
        finally:
            with self._lock:
                self._using[name] -= 1
                if name in self._held:
                    self._held[name].used = time.monotonic()

    def __len__(self) -> int:
        return len(self._held)

    def resident_bytes(self) -> dict[str, int]:
        """Bytes on the device by model, least lately used first."""
        with self._lock:
            return {name: held.model.size for name, held in self._held.items() if not held.offloaded}

    def free(self) -> None:
        """Give every model back that is not in use."""
        with self._lock:
            for name in self._idle():
                self._held.pop(name).model.close()

    def evict_idle(self, idle: float) -> bool:
        """Give back what nobody used for `idle` seconds, on the device and on the host. True if there was any."""
        with self._lock:
            due = [name for name in self._idle() if time.monotonic() - self._held[name].used >= idle]
            for name in due:
                log.info("model given back", model=name)
                self._held.pop(name).model.close()
        return bool(due)

    def _acquire(self, name: str) -> Any:
        with self._lock:
            self._make_room(name)
            model = self._ready(name)
            self._using[name] += 1
            try:
                self._make_room(name)
            except BaseException:
                self._using[name] -= 1
                raise
            return model

    def _idle(self) -> list[str]:
        return [name for name in self._held if not self._using[name]]

    def _ready(self, name: str) -> Any:
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
        """Once more without the others, where they left too little room for it."""
        try:
            return self._loaders[name]()
        except ModuleNotFoundError as error:
            raise MissingModel(
                "The model that config.toml asks for needs {library}, which is not installed. Ask an admin to run"
                " scripts/setup --full, then to start again.",
                library=(error.name or str(error)).partition(".")[0],
            ) from error
        except Exception as error:
            if not out_of_memory(error) or not self._idle():
                raise
            log.warning("out of memory while loading: the other models go", model=name)
        self.free()
        return self._loaders[name]()

    def _make_room(self, name: str) -> None:
        """Move out the least lately used ones until `name`, as large as it was last time, fits beside the rest."""
        coming = {name: self._sizes.get(name, 0)}
        for other in self._idle():
            if sum({**coming, **self.resident_bytes()}.values()) <= self._budget:
                return
            if other != name and not self._held[other].offloaded:
                self._evict(other)

    def _evict(self, name: str) -> None:
        held = self._held[name]
        if isinstance(held.model, Offloadable) and held.model.offload():
            held.offloaded = True
        else:
            self._held.pop(name).model.close()
