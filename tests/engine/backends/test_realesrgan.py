"""Real-ESRGAN in both tiers, with its real weights, and its tiles."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from engine import weights
from engine.backends.realesrgan.dense import Dense, fits
from engine.backends.realesrgan.embedded import Upscaler
from engine.backends.realesrgan.enlarger import Tiled
from engine.backends.realesrgan.full import TorchUpscaler
from engine.backends.realesrgan.networks import DRAWING, FAST, NETWORKS, PHOTO, SCALE, choose
from engine.backends.realesrgan.tiled import upscale
from engine.backends.realesrgan.tiles import COST, SMALLEST, grid, side, squares
from engine.backends.torchvision_import import import_torchvision
from engine.errors import Cancelled, MissingModel
from engine.steps import OnStep
from engine.task import EngineSettings
from tests.ncnn_weights import state_dict

Picture = NDArray[np.uint8]


@pytest.fixture(scope="module")
def upscaler() -> Upscaler:
    return Upscaler(weights.FOLDER)


def badge(side: int) -> Image.Image:
    """A red disc and a blue bar on white, drawn at `side` pixels."""
    large = Image.new("RGB", (4 * side, 4 * side), "white")
    pen = ImageDraw.Draw(large)
    pen.ellipse((side // 2, side // 2, 3 * side, 3 * side), "red")
    pen.rectangle((2 * side, 5 * side // 2, 7 * side // 2, 7 * side // 2), "navy")
    return large.resize((side, side), Image.Resampling.BOX)


def miss(one: Picture, other: Image.Image) -> float:
    """Root of the mean squared difference."""
    return float(np.sqrt(np.mean((one.astype(float) - np.asarray(other, float)) ** 2)))


def test_a_picture_comes_back_four_times_as_large_and_the_same(upscaler: Upscaler) -> None:
    small = badge(64)
    large = upscaler.enlarge(np.asarray(small))
    assert large.shape == (256, 256, 3)
    assert large.dtype == np.uint8
    again = Image.fromarray(large).resize((64, 64), Image.Resampling.BOX)
    assert miss(np.asarray(again), small) < 8


def test_it_is_closer_to_the_truth_than_lanczos(upscaler: Upscaler) -> None:
    small, truth = badge(64), badge(256)
    lanczos = np.asarray(small.resize((256, 256), Image.Resampling.LANCZOS))
    assert miss(upscaler.enlarge(np.asarray(small)), truth) < 0.9 * miss(lanczos, truth)


@pytest.mark.parametrize(("high", "wide"), [(128, 224), (1, 1), (5, 33)])
def test_any_height_and_width_will_do(upscaler: Upscaler, high: int, wide: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (high, wide, 3), np.uint8)
    assert upscaler.enlarge(picture).shape == (SCALE * high, SCALE * wide, 3)


def test_the_channels_keep_their_order(upscaler: Upscaler) -> None:
    red = np.full((16, 16, 3), (220, 40, 10), np.uint8)
    assert np.abs(upscaler.enlarge(red).mean((0, 1)) - (220, 40, 10)).max() < 6


def test_without_its_weights_the_person_learns_what_to_fetch(tmp_path: Path) -> None:
    with pytest.raises(MissingModel, match="python -m engine weights --fetch realesr-animevideov3"):
        Upscaler(tmp_path)


def quiet(_: float) -> None:
    return None


def noisy(high: int, wide: int) -> Picture:
    """The badge under noise, so that every pixel has something to tell."""
    noise = np.random.default_rng(1).normal(0, 12, (high, wide, 3))
    clean = np.asarray(badge(max(high, wide)), float)[:high, :wide]
    return (clean + noise).clip(0, 255).astype(np.uint8)


def bare(name: str, picture: Picture) -> NDArray[np.float64]:
    """The network called once on the whole picture, with nothing of ours."""
    import ncnn

    net = ncnn.Net()
    net.load_param(str(weights.FOLDER / name / "x4.param"))
    net.load_model(str(weights.FOLDER / name / "x4.bin"))
    planes = np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32) / np.float32(255)
    with net.create_extractor() as extractor:
        extractor.input("data", ncnn.Mat(planes))
        enlarged = np.array(extractor.extract("output")[1])
    return (enlarged.transpose(1, 2, 0) * 255).clip(0, 255).astype(np.float64)


@pytest.mark.parametrize(("name", "wide"), [(FAST, 40), (DRAWING, 72), (PHOTO, 20)])
def test_it_makes_what_the_bare_network_makes(name: str, wide: int) -> None:
    picture = noisy(16, wide)
    ours = Upscaler(weights.FOLDER, name=name).enlarge(picture)
    assert np.abs(ours - bare(name, picture)).max() < 1


@pytest.mark.parametrize("name", [FAST, DRAWING, PHOTO])
def test_both_tiers_agree(name: str, tmp_path: Path) -> None:
    import torch

    arrays = {key: torch.from_numpy(array) for key, array in state_dict(weights.FOLDER / name).items()}
    torch.save(arrays, tmp_path / f"{name}.pth")
    picture = noisy(24, 20)
    embedded = Upscaler(weights.FOLDER, name=name).enlarge(picture)
    full = TorchUpscaler(tmp_path / f"{name}.pth", name, "cpu").enlarge(picture)
    error = np.mean((embedded.astype(float) - full) ** 2)
    assert 20 * np.log10(255) - 10 * np.log10(error + 1e-9) > 40


@pytest.mark.parametrize("name", [DRAWING, PHOTO])
def test_the_network_put_for_a_gpu_makes_the_same_sums(name: str) -> None:
    import torch

    network = published(name)
    assert fits(network)
    planes = torch.from_numpy(noisy(20, 24)).permute(2, 0, 1)[None].float() / 255
    told: list[float] = []
    with torch.inference_mode():
        difference = (Dense(network)(planes, told.append) - network(planes)).abs().max().item()
    assert difference < 1e-4
    assert told == sorted(told)
    assert len(told) == len(network.model[1].sub) - 1


def test_a_network_of_another_shape_is_left_as_it_is() -> None:
    assert not fits(published(FAST))


def published(name: str) -> Any:
    """The network as spandrel reads it, with the embedded weights."""
    import torch

    import_torchvision()
    from spandrel import ModelLoader

    arrays = {key: torch.from_numpy(array.copy()) for key, array in state_dict(weights.FOLDER / name).items()}
    return ModelLoader("cpu").load_from_state_dict(arrays).model.eval()


def test_a_bin_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    place = weights.FOLDER / FAST
    (tmp_path / "x4.param").write_bytes((place / "x4.param").read_bytes())
    (tmp_path / "x4.bin").write_bytes((place / "x4.bin").read_bytes()[:-1])
    with pytest.raises(ValueError, match="cut off"):
        state_dict(tmp_path)


@pytest.mark.parametrize("content", [None, b"no checkpoint"])
def test_a_pth_that_cannot_be_loaded_is_told_plainly(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / f"{FAST}.pth"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MissingModel, match=r"cannot be loaded.*models\.upscale"):
        TorchUpscaler(path, FAST, "cpu")


def test_no_seam_shows_where_tiles_meet(upscaler: Upscaler) -> None:
    picture = noisy(70, 130)
    whole = upscaler.enlarge(picture)
    tiled = upscale(picture, (280, 520), upscaler, squares(70, 130, 90, NETWORKS[FAST].overlaps[0]), quiet)
    assert np.abs(tiled.astype(int) - whole).max() <= 1


def test_tiles_line_up_at_a_scale_between(upscaler: Upscaler) -> None:
    picture = noisy(71, 99)
    size = (round(71 * 2.3), round(99 * 2.3))
    whole = Image.fromarray(upscaler.enlarge(picture)).resize(size[::-1], Image.Resampling.LANCZOS)
    tiled = upscale(picture, size, upscaler, squares(71, 99, 80, NETWORKS[FAST].overlaps[0]), quiet)
    assert tiled.shape[:2] == size
    assert np.abs(tiled.astype(int) - np.asarray(whole)).max() <= 2


@pytest.mark.parametrize("length", [1, 80, 81, 999])
def test_tiles_fill_a_picture_once_and_none_is_over_its_side(length: int) -> None:
    cuts, _ = squares(length, 10, 80, 24)
    assert [cuts[0].start, *(cut.stop for cut in cuts)] == [*(cut.start for cut in cuts), length]
    assert max(cut.seen_to - cut.seen_from for cut in cuts) <= 80


def test_tiles_fit_the_free_memory() -> None:
    assert side(10**12, 15_000, 24, 512) == 512
    assert side(10**9, 15_000, 24, 512) ** 2 * 15_000 <= 10**9 / 2
    assert side(10**6, 15_000, 24, 512) == SMALLEST + 48


@pytest.mark.parametrize(("high", "wide"), [(768, 768), (600, 1200), (2000, 2000), (100, 9000), (33, 4000), (1, 5000)])
@pytest.mark.parametrize("name", NETWORKS)
def test_tiles_fill_every_picture_within_their_area_at_little_more_than_its_work(
    name: str, high: int, wide: int
) -> None:
    traits = NETWORKS[name]
    rows, columns = grid(high, wide, traits.largest, traits.overlaps)
    for length, spans in ((high, rows), (wide, columns)):
        assert [spans[0].start, *(span.stop for span in spans)] == [*(span.start for span in spans), length]
    seen = [[span.seen_to - span.seen_from for span in spans] for spans in (rows, columns)]
    assert max(seen[0]) * max(seen[1]) <= traits.largest**2
    assert sum(seen[0]) * sum(seen[1]) <= 1.15 * high * wide


def test_a_picture_that_just_does_not_fit_is_cut_once_with_the_widest_overlap() -> None:
    rows, columns = grid(800, 700, 700, range(24, 49, 4))
    assert (len(rows), len(columns)) == (2, 1)
    assert rows[0].seen_to - rows[0].stop == 48
    assert sum(row.seen_to - row.seen_from for row in rows) <= COST * 800


@pytest.mark.parametrize(("name", "most"), [(DRAWING, 3), (PHOTO, 4)])
def test_hardly_a_seam_shows_where_the_heavy_networks_see_further_than_tiles_overlap(name: str, most: int) -> None:
    network, picture = Upscaler(weights.FOLDER, name=name), noisy(24, 140)
    wide = NETWORKS[name].overlaps[-1]
    tiled = upscale(picture, (96, 560), network, squares(24, 140, 70 + wide, wide), quiet)
    assert np.abs(tiled.astype(int) - network.enlarge(picture)).max() <= most


class Narrow:
    """A network that has no memory for tiles of over `most` pixels."""

    bytes = 0
    bytes_per_pixel = 1

    def __init__(self, most: int) -> None:
        self.most = most

    def enlarge(self, picture: Picture, on_step: OnStep = quiet) -> Picture:
        on_step(0)
        if picture.shape[0] * picture.shape[1] > self.most:
            raise MemoryError
        return picture.repeat(SCALE, 0).repeat(SCALE, 1)


def test_out_of_memory_means_smaller_tiles() -> None:
    picture = noisy(200, 200)
    made = Tiled(Narrow(130 * 130), FAST, "cpu")(picture, (800, 800), quiet)
    assert (made == picture.repeat(SCALE, 0).repeat(SCALE, 1)).all()
    with pytest.raises(MemoryError):
        Tiled(Narrow(10), FAST, "cpu")(picture, (800, 800), quiet)


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


def chosen(folder: Path, device: str = "cpu", **models: str) -> tuple[str, str, str]:
    service = choose(EngineSettings(device, folder, 10**9, models))
    return service.backend, service.tier, str(service.why)


def test_the_tier_follows_the_device_the_weights_and_the_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_WEIGHTS", str(weights.FOLDER.absolute()))
    assert chosen(tmp_path)[:2] == ("ncnn", "embedded")
    assert "--fetch --tier full" in chosen(tmp_path, "cuda:0")[2]
    assert chosen(tmp_path, "cuda:0", upscale="ncnn")[:2] == ("ncnn", "embedded")
    assert chosen(tmp_path, upscale=str(tmp_path))[:2] == ("spandrel", "full")
    monkeypatch.setenv("ATELIER_WEIGHTS", str(tmp_path))
    assert chosen(tmp_path)[0] == "bicubic"
