"""The pool of models: load once, fit a memory budget, give back what was used least lately."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol


class Model(Protocol):
    """What the pool holds. `size` is in bytes on the device; `close` gives them back."""

    @property
    def size(self) -> int: ...

    def close(self) -> None: ...


class Pool:
    """Models by name under a budget in bytes. One at a time is in use, so the newest may always stay."""

    def __init__(self, budget: int, loaders: Mapping[str, Callable[[], Model]]) -> None:
        self._budget = budget
        self._loaders = loaders
        self._held: OrderedDict[str, Model] = OrderedDict()

    @contextmanager
    def use(self, name: str) -> Iterator[Any]:
        """The model, loaded if it is not held. Raises what its loader raises, such as MissingModel."""
        if name not in self._held:
            self._held[name] = self._loaders[name]()
        self._held.move_to_end(name)
        self._fit()
        yield self._held[name]

    def held(self) -> dict[str, int]:
        """Bytes by model, least lately used first."""
        return {name: model.size for name, model in self._held.items()}

    def free(self) -> None:
        """Give every model back."""
        while self._held:
            self._held.popitem()[1].close()

    def _fit(self) -> None:
        while len(self._held) > 1 and sum(self.held().values()) > self._budget:
            self._held.popitem(last=False)[1].close()
