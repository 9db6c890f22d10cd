"""The pool, with models that know where they are."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import pytest

from engine.core.errors import MissingModel
from engine.worker.model_pool import Pool

PLACES: dict[str, str] = {}


@dataclass
class Small:
    """A model that takes `size` bytes and can only be closed."""

    name: str
    size: int = 4

    def __post_init__(self) -> None:
        PLACES[self.name] = "device"

    def close(self) -> None:
        PLACES[self.name] = "gone"


@dataclass
class Movable(Small):
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
def nothing_is_anywhere() -> None:
    PLACES.clear()


def touch(pool: Pool, *names: str) -> None:
    for name in names:
        with pool.use(name):
            assert PLACES[name] == "device"


def test_what_fits_the_budget_stays() -> None:
    pool = Pool(8, {name: lambda name=name: Small(name) for name in "ab"})  # type: ignore[misc]  # one name a lambda
    touch(pool, "a", "b", "a")
    assert list(pool.resident_bytes().items()) == [("b", 4), ("a", 4)]


def test_the_least_lately_used_goes_first() -> None:
    pool = Pool(8, {name: lambda name=name: Small(name) for name in "abc"})  # type: ignore[misc]
    touch(pool, "a", "b", "a", "c")
    assert PLACES == {"a": "device", "b": "gone", "c": "device"}


def test_a_movable_model_waits_on_the_host_and_is_brought_back() -> None:
    pool = Pool(4, {"a": lambda: Movable("a"), "b": lambda: Movable("b")})
    touch(pool, "a", "b")
    assert PLACES == {"a": "host", "b": "device"}
    assert pool.resident_bytes() == {"b": 4}
    touch(pool, "a")
    assert PLACES == {"a": "device", "b": "host"}


def test_room_is_made_before_a_model_of_known_size_comes_back() -> None:
    seen: list[str] = []

    class Watched(Movable):
        def onload(self) -> None:
            seen.append(PLACES["b"])
            super().onload()

    pool = Pool(4, {"a": lambda: Watched("a"), "b": lambda: Movable("b")})
    touch(pool, "a", "b", "a")
    assert seen == ["host"]


def test_a_movable_model_for_which_the_host_has_no_room_is_closed() -> None:
    pool = Pool(4, {"a": lambda: Movable("a", room=False), "b": lambda: Small("b")})
    touch(pool, "a", "b")
    assert PLACES == {"a": "gone", "b": "device"}


def test_a_model_in_use_stays_though_another_comes() -> None:
    pool = Pool(4, {"a": lambda: Movable("a"), "b": lambda: Small("b")})
    with pool.use("a"):
        touch(pool, "b")
        pool.free()
        assert PLACES == {"a": "device", "b": "gone"}


def test_loading_that_runs_out_of_memory_is_tried_again_without_the_others() -> None:
    def load() -> Small:
        if PLACES["a"] == "device":
            raise MemoryError
        return Small("b")

    pool = Pool(100, {"a": lambda: Small("a"), "b": load})
    touch(pool, "a", "b")
    assert PLACES == {"a": "gone", "b": "device"}


def test_loading_that_runs_out_of_memory_alone_is_told() -> None:
    def load() -> Small:
        raise MemoryError

    with pytest.raises(MemoryError), Pool(100, {"b": load}).use("b"):
        pass


def test_what_nobody_used_for_a_while_leaves_the_host_too() -> None:
    pool = Pool(4, {"a": lambda: Movable("a"), "b": lambda: Movable("b")})
    touch(pool, "a", "b")
    assert not pool.evict_idle(60)
    assert pool.evict_idle(0)
    assert PLACES == {"a": "gone", "b": "gone"}
    assert not pool.evict_idle(0)


def test_a_model_is_asked_to_spare_memory_as_the_pool_says() -> None:
    pool = Pool(4, {"a": lambda: Movable("a")})
    for level in (0, 2, 0):
        pool.spare = level
        with pool.use("a") as model:
            assert model.level == level


def test_a_model_whose_library_is_not_installed_says_what_to_do() -> None:
    def load() -> Small:
        import nobody_has_this.inside  # type: ignore[import-not-found]  # that is the point  # noqa: F401

        return Small("never")

    with pytest.raises(MissingModel, match=r"needs nobody_has_this, which is not installed.*scripts/setup --full"):
        touch(Pool(10, {"a": load}), "a")


def test_two_threads_of_a_job_load_their_models_one_after_the_other() -> None:
    loading = list[str]()

    def load(name: str) -> Small:
        assert not loading  # the budget is counted with what is being loaded
        loading.append(name)
        time.sleep(0.05)
        loading.remove(name)
        return Small(name)

    pool = Pool(8, {name: partial(load, name) for name in "ab"})
    both = threading.Barrier(2)

    def work(name: str) -> bool:
        with pool.use(name):
            both.wait(timeout=5)  # both are in use at once
            return PLACES[name] == "device"

    with ThreadPoolExecutor(2) as threads:
        assert all(threads.map(work, "ab"))
    assert set(pool.resident_bytes()) == {"a", "b"}
