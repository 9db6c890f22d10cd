"""Real-ESRGAN in tiles: their seams, sizes, memory and compilation."""

import shutil
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.core.errors import Cancelled
from engine.core.progress import OnStep
from engine.core.protocol import Memory
from engine.tasks.upscale.realesrgan.embedded import Upscaler
from engine.tasks.upscale.realesrgan.networks import DRAWING, FAST, PHOTO, SCALE, Network, Step
from engine.tasks.upscale.realesrgan.tiled_upscale import upscale
from engine.tasks.upscale.realesrgan.tiles import MEMORY_SHARE, Cut, cut, handed_on, spans, squares
from engine.tasks.upscale.tile_planner import Tiled
from engine.weights import registry
from tests.engine.tasks.upscale.upscale_harness import Picture, in_torch, noisy, quiet


@pytest.fixture(scope="module")
def upscaler() -> Upscaler:
    return Upscaler(registry.FOLDER)


def force(network: Network, picture: Picture, rows: int, columns: int, turned: bool = False) -> Cut:
    """As many tiles as said, however small."""
    halos = [step.halo for step in network.steps]
    return Cut(spans(picture.shape[0], rows, halos), spans(picture.shape[1], columns, halos), turned)


SEEN = [(FAST, (60, 100), (3, 4)), (DRAWING, (40, 64), (3, 3)), (PHOTO, (24, 40), (2, 2))]
"""Networks, pictures, and into how many tiles these are cut."""


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("tier", ["embedded", "full"])
@pytest.mark.parametrize("seen", SEEN, ids=lambda seen: seen[0])
def test_tiles_make_the_very_picture_that_the_whole_makes(
    seen: tuple[str, tuple[int, int], tuple[int, int]], tier: str, turned: bool, tmp_path: Path
) -> None:
    name, (high, wide), (rows, columns) = seen
    network: Network = Upscaler(registry.FOLDER, name=name) if tier == "embedded" else in_torch(name, tmp_path)
    picture = noisy(high, wide)
    plan = force(network, picture, rows, columns, turned)
    tiled = upscale(picture, (4 * high, 4 * wide), network, plan, quiet)
    assert np.abs(tiled.astype(int) - network.enlarge(picture)).max() <= 1


@pytest.mark.parametrize("name", [FAST, DRAWING])
def test_tiles_line_up_at_a_scale_between(name: str) -> None:
    network, picture = Upscaler(registry.FOLDER, name=name), noisy(41, 59)
    size = (round(41 * 2.3), round(59 * 2.3))
    whole = Image.fromarray(network.enlarge(picture)).resize(size[::-1], Image.Resampling.LANCZOS)
    tiled = upscale(picture, size, network, force(network, picture, 2, 3), quiet)
    assert tiled.shape[:2] == size
    assert np.abs(tiled.astype(int) - np.asarray(whole)).max() <= 2


@pytest.mark.parametrize("length", [1, 80, 81, 999])
def test_squares_fill_a_picture_once_and_none_is_over_its_side(length: int) -> None:
    cuts, _ = squares(length, 10, 80, 24)
    assert [cuts[0].start, *(cut.stop for cut in cuts)] == [*(cut.start for cut in cuts), length]
    assert max(cut.seen_to - cut.seen_from for cut in cuts) <= 80


@pytest.mark.parametrize(("length", "count"), [(7, 1), (7, 3), (500, 2), (500, 9), (2000, 30)])
def test_at_every_step_tiles_fill_the_picture_once_from_what_was_made_before(length: int, count: int) -> None:
    tiles = spans(length, count, [1, *[5] * 18, 5])
    for step in range(20):
        made = [tile[step] for tile in tiles]
        assert [made[0].start, *(span.stop for span in made)] == [*(span.start for span in made), length]
        if step:
            assert all(one[step].seen_to <= one[step - 1].stop for one in tiles if one[step].start < one[step].stop)


class Shaped:
    """A network's measures, as the engine's networks have them."""

    bytes = spare = 0

    def __init__(self, per_pixel: int, per_feature: int, steps: tuple[Step, ...], largest: int = 768) -> None:
        self.bytes_per_pixel, self.bytes_per_feature = per_pixel, per_feature
        self.steps, self.largest = steps, largest


DENSE = (Step(5, starts=True), Step(5, inside_skip=True), Step(5, inside_skip=True, ends=True))
MEASURES = {
    "photographs on a CPU": Shaped(15_000, 256, (Step(1), *DENSE * 23, Step(5))),
    "drawings on a CPU": Shaped(15_000, 256, (Step(1), *DENSE * 6, Step(5))),
    "photographs on a GPU": Shaped(2_400, 128, (Step(1), *[Step(15)] * 23, Step(5)), 1024),
}
SIDES = [(768, 769), (600, 1200), (1000, 1000), (2000, 2000), (300, 9000)]


@pytest.mark.parametrize(("high", "wide"), SIDES)
@pytest.mark.parametrize(("kind", "free"), [(kind, 2 * 10**9 if "GPU" in kind else 15 * 10**8) for kind in MEASURES])
def test_tiles_fit_little_memory_at_little_more_than_the_work_of_the_whole(
    kind: str, free: int, high: int, wide: int
) -> None:
    network: Any = MEASURES[kind]
    plan = cut(high, wide, network, free)
    at_most = {}
    for axis, length in ((plan.rows, high), (plan.columns, wide)):
        seen = [[span.seen_to - span.seen_from for span in tile if span.start < span.stop] for tile in axis]
        at_most[length, id(axis)] = max(max(tile, default=0) for tile in seen)
        steps = len(network.steps)
        share = sum(sum(tile) for tile in seen) / steps / length
        assert share <= 1.15
    one, other = at_most.values()
    handed = handed_on(network) * network.bytes_per_feature * (min(high, wide) + 400) if plan.count > 1 else 0
    assert one * other * network.bytes_per_pixel + handed <= 1.1 * MEMORY_SHARE * free
    assert plan.count > 1


@pytest.mark.parametrize("name", [FAST, DRAWING, PHOTO])
@pytest.mark.parametrize("side", [512, 768, 2000, 4000])
def test_tiles_on_a_cpu_take_at_most_two_gigabytes_of_any_memory(name: str, side: int) -> None:
    network = Upscaler(registry.FOLDER, name=name)
    plan = cut(side, side, network, 10**12)
    high, wide = (
        max(span.seen_to - span.seen_from for tile in axis for span in tile) for axis in (plan.rows, plan.columns)
    )
    assert high * wide * network.bytes_per_pixel < 2 * 10**9


class Narrow:
    """A network that has no memory for tiles of over `most` pixels."""

    bytes = spare = 0
    bytes_per_pixel = bytes_per_feature = 1
    steps: tuple[Step, ...] = (Step(18),)
    largest = 768

    def __init__(self, most: int) -> None:
        self.most = most

    def enlarge(self, picture: Picture, on_step: OnStep = quiet) -> Picture:
        on_step(0)
        if picture.shape[0] * picture.shape[1] > self.most:
            raise MemoryError
        return picture.repeat(SCALE, 0).repeat(SCALE, 1)

    def last(self, _features: None, picture: Picture, on_step: OnStep = quiet) -> Picture:
        return self.enlarge(picture, on_step)

    def first(self, picture: Picture) -> Picture:
        raise NotImplementedError

    def step(self, number: int, features: Picture, on_step: OnStep) -> Picture:
        raise NotImplementedError

    def room(self, height: int, width: int) -> Picture:
        raise NotImplementedError

    def running(self) -> AbstractContextManager[object]:
        return nullcontext()


@pytest.mark.timeout(400)  # torch's compiler takes its time on a busy machine
@pytest.mark.skipif(not shutil.which("g++"), reason="torch compiles for a CPU with g++, which is not here")
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")  # torch's own use
def test_parts_that_were_compiled_in_the_background_serve_every_size_alike(tmp_path: Path) -> None:
    from torch._dynamo.utils import counters

    upscaler = in_torch(DRAWING, tmp_path)
    pictures = [noisy(64, 64), noisy(72, 260)]
    before = [upscaler.enlarge(picture) for picture in pictures]
    assert upscaler.parts is not None
    plain = upscaler.parts._residual
    upscaler.parts.compile().join()
    assert upscaler.parts._residual is not plain
    made = counters["stats"]["unique_graphs"]
    for picture, whole in zip(pictures, before, strict=True):
        plan = force(upscaler, picture, 1, 1 + picture.shape[1] // 200)
        for again in (upscaler.enlarge(picture), upscale(picture, whole.shape[:2], upscaler, plan, quiet)):
            assert np.abs(again.astype(int) - whole).max() <= 1
    assert counters["stats"]["unique_graphs"] == made


def test_out_of_memory_means_smaller_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.tasks.upscale.tile_planner.memory_of", lambda *_: Memory(used=0, free=10**9, models={}))
    picture = noisy(200, 200)
    made = Tiled(Narrow(130 * 130), "cpu")(picture, (800, 800), quiet)
    assert (made == picture.repeat(SCALE, 0).repeat(SCALE, 1)).all()
    with pytest.raises(MemoryError):
        Tiled(Narrow(10), "cpu")(picture, (800, 800), quiet)


def test_a_cancel_ends_it_in_the_middle_of_a_tile_and_it_works_again(upscaler: Upscaler) -> None:
    told: list[float] = []

    def cancel(done: float) -> None:
        told.append(done)
        if done > 0.3:
            raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        upscaler.enlarge(noisy(16, 16), cancel)
    assert 0.3 < told[-1] < 0.5
    assert upscaler.enlarge(noisy(16, 16)).shape == (64, 64, 3)
