"""Real-ESRGAN: what it makes, of what weights, in either tier."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from engine.core.errors import MissingModel
from engine.core.settings import WorkerSettings
from engine.tasks.upscale.backends import choose
from engine.tasks.upscale.realesrgan.embedded import Upscaler
from engine.tasks.upscale.realesrgan.full import TorchUpscaler
from engine.tasks.upscale.realesrgan.networks import DRAWING, FAST, PHOTO, SCALE
from engine.tasks.upscale.realesrgan.rrdb_split import Dense, fits
from engine.torch_support.torchvision_import import import_torchvision
from engine.weights import registry
from tests.engine.tasks.upscale.upscale_harness import Picture, badge, in_torch, miss, noisy
from tests.ncnn_weights import state_dict


@pytest.fixture(scope="module")
def upscaler() -> Upscaler:
    return Upscaler(registry.FOLDER)


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


def bare(name: str, picture: Picture) -> NDArray[np.float64]:
    """The network called once on the whole picture, with nothing of ours."""
    import ncnn

    net = ncnn.Net()
    net.load_param(str(registry.FOLDER / name / "x4.param"))
    net.load_model(str(registry.FOLDER / name / "x4.bin"))
    planes = np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32) / np.float32(255)
    with net.create_extractor() as extractor:
        extractor.input("data", ncnn.Mat(planes))
        enlarged = np.array(extractor.extract("output")[1])
    return (enlarged.transpose(1, 2, 0) * 255).clip(0, 255).astype(np.float64)


@pytest.mark.parametrize(("name", "wide"), [(FAST, 40), (DRAWING, 72), (PHOTO, 20)])
def test_it_makes_what_the_bare_network_makes(name: str, wide: int) -> None:
    picture = noisy(16, wide)
    ours = Upscaler(registry.FOLDER, name=name).enlarge(picture)
    assert np.abs(ours - bare(name, picture)).max() < 1


@pytest.mark.parametrize("name", [FAST, DRAWING, PHOTO])
def test_both_tiers_agree(name: str, tmp_path: Path) -> None:
    picture = noisy(24, 20)
    embedded = Upscaler(registry.FOLDER, name=name).enlarge(picture)
    full = in_torch(name, tmp_path).enlarge(picture)
    error = np.mean((embedded.astype(float) - full) ** 2)
    assert 20 * np.log10(255) - 10 * np.log10(error + 1e-9) > 40


@pytest.mark.parametrize("name", [DRAWING, PHOTO])
def test_the_network_put_for_a_gpu_makes_the_same_sums(name: str) -> None:
    import torch

    network = published_weights(name)
    assert fits(network)
    planes = torch.from_numpy(noisy(20, 24)).permute(2, 0, 1)[None].float() / 255
    parts = Dense(network)
    with torch.inference_mode():
        x = early = parts.first(planes)
        for number in range(parts.blocks):
            x = parts.block(number, x)
        difference = (parts.grow(parts.last(x, early)) - network(planes)).abs().max().item()
    assert difference < 1e-4


def test_a_network_of_another_shape_is_left_as_it_is() -> None:
    assert not fits(published_weights(FAST))


def published_weights(name: str) -> Any:
    """The network as spandrel reads it, with the embedded weights."""
    import torch

    import_torchvision()
    from spandrel import ModelLoader

    arrays = {key: torch.from_numpy(array.copy()) for key, array in state_dict(registry.FOLDER / name).items()}
    return ModelLoader("cpu").load_from_state_dict(arrays).model.eval()


def test_a_bin_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    place = registry.FOLDER / FAST
    (tmp_path / "x4.param").write_bytes((place / "x4.param").read_bytes())
    (tmp_path / "x4.bin").write_bytes((place / "x4.bin").read_bytes()[:-1])
    with pytest.raises(ValueError, match="too short"):
        state_dict(tmp_path)


@pytest.mark.parametrize("content", [None, b"no checkpoint"])
def test_a_pth_that_cannot_be_loaded_is_told_plainly(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / f"{FAST}.pth"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MissingModel, match=r"is missing, damaged, .*models\.upscale"):
        TorchUpscaler(path, FAST, "cpu")


def chosen(folder: Path, device: str = "cpu", **models: str) -> tuple[str, str, str]:
    service = choose(WorkerSettings(device=device, folder=folder, memory=10**9, models=models))
    return service.backend, service.tier, str(service.why)


def test_the_tier_follows_the_device_the_weights_and_the_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_WEIGHTS", str(registry.FOLDER.absolute()))
    assert chosen(tmp_path)[:2] == ("ncnn", "embedded")
    assert "--fetch RealESRGAN_x4plus.pth" in chosen(tmp_path, "cuda:0")[2]
    assert chosen(tmp_path, "cuda:0", upscale="ncnn")[:2] == ("ncnn", "embedded")
    assert chosen(tmp_path, upscale=str(tmp_path))[:2] == ("spandrel", "full")
    monkeypatch.setenv("ATELIER_WEIGHTS", str(tmp_path))
    assert chosen(tmp_path)[0] == "bicubic"
