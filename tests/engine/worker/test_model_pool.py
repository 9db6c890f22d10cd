"""The model pool, with models that record where they are."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import pytest

from engine.core.errors import MissingModel
from engine.worker.model_pool import Pool
from tests.timing import HANG_SECONDS

PLACES: dict[str, str] = {}
"""Where each model is: device, host or gone."""


@dataclass
class Small:
    """A model of `size` bytes that cannot be offloaded."""

    name: str
    size: int = 4

    def __post_init__(self) -> None:
        PLACES[self.name] = "device"

    def close(self) -> None:
        PLACES[self.name] = "gone"


@dataclass
class OffloadableModel(Small):
    """A model that can be offloaded if the host has `room`."""

    room: bool = True
    level: int | None = None

    def offload(self) -> bool:
        PLACES[self.name] = "host" if self.room else PLACES[self.name]
        return self.room

    def onload(self) -> None:
        assert PLACES[self.name] == "host"
        PLACES[self.name] = "device"

    def set_memory_level(self, level: int) -> None:
        self.level = level


@pytest.fixture(autouse=True)
def clear_places() -> None:
    """Start each test without models."""
    PLACES.clear()


def use_models(pool: Pool, *names: str) -> None:
    """Use the models one after another."""
    for name in names:
        with pool.use(name):
            assert PLACES[name] == "device"


def test_models_within_the_budget_stay() -> None:
    pool = Pool(8, {name: lambda name=name: Small(name) for name in "ab"})  # type: ignore[misc]  # one name a lambda
    use_models(pool, "a", "b", "a")
    assert list(pool.resident_bytes().items()) == [("b", 4), ("a", 4)]


def test_the_least_recently_used_model_is_evicted_first() -> None:
    pool = Pool(8, {name: lambda name=name: Small(name) for name in "abc"})  # type: ignore[misc]
    use_models(pool, "a", "b", "a", "c")
    assert PLACES == {"a": "device", "b": "gone", "c": "device"}


def test_an_offloadable_model_moves_to_the_host_and_back() -> None:
    pool = Pool(4, {"a": lambda: OffloadableModel("a"), "b": lambda: OffloadableModel("b")})
    use_models(pool, "a", "b")
    assert PLACES == {"a": "host", "b": "device"}
    assert pool.resident_bytes() == {"b": 4}
    use_models(pool, "a")
    assert PLACES == {"a": "device", "b": "host"}


def test_others_are_evicted_before_a_model_moves_back() -> None:
    seen: list[str] = []

    class Watched(OffloadableModel):
        def onload(self) -> None:
            seen.append(PLACES["b"])
            super().onload()

    pool = Pool(4, {"a": lambda: Watched("a"), "b": lambda: OffloadableModel("b")})
    use_models(pool, "a", "b", "a")
    assert seen == ["host"]


def test_a_model_that_does_not_fit_on_the_host_is_closed() -> None:
    pool = Pool(4, {"a": lambda: OffloadableModel("a", room=False), "b": lambda: Small("b")})
    use_models(pool, "a", "b")
    assert PLACES == {"a": "gone", "b": "device"}


def test_a_model_in_use_is_not_evicted() -> None:
    pool = Pool(4, {"a": lambda: OffloadableModel("a"), "b": lambda: Small("b")})
    with pool.use("a"):
        use_models(pool, "b")
        pool.free()
        assert PLACES == {"a": "device", "b": "gone"}


def test_loading_is_tried_again_without_the_other_models_when_memory_runs_out() -> None:
    def load() -> Small:
        if PLACES["a"] == "device":
            raise MemoryError
        return Small("b")

    pool = Pool(100, {"a": lambda: Small("a"), "b": load})
    use_models(pool, "a", "b")
    assert PLACES == {"a": "gone", "b": "device"}


def test_running_out_of_memory_without_other_models_is_an_error() -> None:
    def load() -> Small:
        raise MemoryError

    with pytest.raises(MemoryError), Pool(100, {"b": load}).use("b"):
        pass


def test_idle_models_are_closed_on_the_host_too() -> None:
    pool = Pool(4, {"a": lambda: OffloadableModel("a"), "b": lambda: OffloadableModel("b")})
    use_models(pool, "a", "b")
    assert not pool.evict_idle(60)
    assert pool.evict_idle(0)
    assert PLACES == {"a": "gone", "b": "gone"}
    assert not pool.evict_idle(0)


def test_a_model_gets_the_memory_level_of_the_pool() -> None:
    pool = Pool(4, {"a": lambda: OffloadableModel("a")})
    for level in (0, 2, 0):
        pool.memory_level = level
        with pool.use("a") as model:
            assert model.level == level


def test_the_error_for_a_missing_library_says_how_to_install_it() -> None:
    def load() -> Small:
        import nobody_has_this.inside  # type: ignore[import-not-found]  # the test needs it to be missing  # noqa: F401

        return Small("never")

    with pytest.raises(MissingModel, match=r"needs nobody_has_this, which is not installed.*scripts/setup --full"):
        use_models(Pool(10, {"a": load}), "a")


def test_threads_of_a_job_load_their_models_one_at_a_time() -> None:
    loading = list[str]()

    def load(name: str) -> Small:
        assert not loading  # otherwise the budget would miss the model being loaded
        loading.append(name)
        time.sleep(0.05)
        loading.remove(name)
        return Small(name)

    pool = Pool(8, {name: partial(load, name) for name in "ab"})
    both = threading.Barrier(2)

    def work(name: str) -> bool:
        with pool.use(name):
            both.wait(timeout=HANG_SECONDS)  # both are in use at once
            return PLACES[name] == "device"

    with ThreadPoolExecutor(2) as threads:
        assert all(threads.map(work, "ab"))
    assert set(pool.resident_bytes()) == {"a", "b"}
