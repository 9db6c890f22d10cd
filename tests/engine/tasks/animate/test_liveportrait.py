"""LivePortrait on random weights of its interfaces: what is read, what is driven, and what is missing."""

import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from engine.core.errors import MissingModel
from engine.core.settings import WorkerSettings
from engine.media import files as media
from engine.media import video
from engine.tasks.animate import backends
from engine.tasks.animate.audio_motion.motion import Motion
from engine.tasks.animate.liveportrait import files
from engine.tasks.animate.liveportrait.animator import LivePortraitAnimator, _Drive
from engine.tasks.animate.liveportrait.crop import SIDE_PIXELS, Crop, Paste
from engine.tasks.animate.liveportrait.keypoints import Pose, rotation
from engine.tasks.animate.liveportrait.loading import TorchNetworks
from engine.tasks.animate.liveportrait.onnx import OnnxNetworks
from engine.tasks.animate.options import AnimationOptions
from engine.tasks.animate.params import Params
from engine.tasks.animate.task import TASK
from engine.vision.faces.reader import FaceReader
from engine.weights import registry
from engine.worker.context import Context
from engine.worker.model_pool import Pool
from tests import tiny_liveportrait
from tests.samples import astronaut


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("live") / "liveportrait"


@pytest.fixture(scope="module")
def made(folder: Path) -> dict[str, Any]:
    return tiny_liveportrait.save(folder)


@pytest.fixture(scope="module")
def networks(folder: Path, made: dict[str, Any]) -> TorchNetworks:
    assert made
    return TorchNetworks(folder, "cpu")


def motion(count: int, **curves: float) -> Motion:
    def curve(name: str) -> np.ndarray[Any, np.dtype[np.float32]]:
        return np.linspace(0, curves.get(name, 0), count, dtype=np.float32)

    jaw, lids, yaw = (curve(name) for name in ("jaw", "lids", "yaw"))
    none = np.zeros(count, np.float32)
    return Motion(jaw, none, lids, none, yaw, none, none, np.zeros((count, 2), np.float32))


@torch.inference_mode()
def test_every_network_is_read_with_the_weights_of_its_file(networks: TorchNetworks, made: dict[str, Any]) -> None:
    picture = torch.rand(1, 3, 256, 256)
    features = networks.appearance(picture)
    assert features.shape == (1, 32, 16, 64, 64)
    assert torch.allclose(features, made["appearance_feature_extractor"](picture), atol=1e-5)
    heads = {name: tuple(value.shape) for name, value in networks.motion(picture).items()}
    angles = dict.fromkeys(("pitch", "yaw", "roll"), (1, 66))
    assert heads == {**angles, "t": (1, 3), "exp": (1, 63), "scale": (1, 1), "kp": (1, 63)}
    source, driving = torch.randn(1, 21, 3) * 0.2, torch.randn(1, 21, 3) * 0.2
    painted = networks.render(features, source, driving)
    assert painted.shape == (1, 3, 512, 512)
    alone = made["spade_generator"](made["warping_module"](features, driving, source))
    assert torch.allclose(painted, alone, atol=1e-4)
    assert networks.stitch(torch.rand(2, 126)).shape == (2, 65)
    assert (networks.eyes(torch.rand(2, 66)).shape, networks.lips(torch.rand(2, 65)).shape) == ((2, 63), (2, 63))


def test_the_published_widths_have_the_published_numbers_of_parameters() -> None:
    """In millions, from the paper's table of networks: 0.84, 28.1, 45.5 and 55.4."""
    with torch.device("meta"):
        whole = tiny_liveportrait.shapes()
    sizes = {name: sum(value.numel() for value in network.parameters()) / 1e6 for name, network in whole.items()}
    assert sizes["appearance_feature_extractor"] == pytest.approx(0.84, abs=0.01)
    assert sizes["motion_extractor"] == pytest.approx(28.12, abs=0.05)
    assert sizes["warping_module"] == pytest.approx(45.53, abs=0.05)
    assert sizes["spade_generator"] == pytest.approx(55.37, abs=0.05)


def test_points_turn_as_the_head_does() -> None:
    turn = rotation(torch.tensor([[0.0, 90.0, 0.0]]))[0]
    assert torch.allclose(turn @ turn.T, torch.eye(3), atol=1e-6)
    zeros = torch.zeros(1, 21, 3)
    points = torch.rand(1, 21, 3)
    level = {name: torch.zeros(1, 66) for name in ("pitch", "yaw", "roll")}
    pose = Pose.of(
        {**level, "kp": points.flatten(1), "exp": zeros.flatten(1), "scale": torch.ones(1, 1), "t": torch.zeros(1, 3)}
    )
    assert torch.allclose(pose.angles, torch.zeros(1, 3), atol=1e-4), "flat scores are the middle of the bins"
    assert torch.allclose(pose.points(), points, atol=1e-4)
    moved = pose.points(torch.zeros(2, 3), torch.tensor([[0.0, 0.0], [0.1, -0.2]]))
    assert torch.allclose(moved[1] - moved[0], torch.tensor([0.1, -0.2, 0.0]).expand(21, 3), atol=1e-6)


@torch.inference_mode()
def test_lips_follow_the_jaw_eyes_the_lids_and_shoulders_are_stitched(networks: TorchNetworks) -> None:
    face = FaceReader(registry.FOLDER).find_faces(astronaut())[0]
    pose = Pose.of(networks.motion(torch.rand(1, 3, 256, 256)))

    def drive(**asked: bool) -> _Drive:
        return _Drive(
            networks, pose, face, AnimationOptions(**{"lip_zero": False, "eyes": False, "stitching": False, **asked})
        )

    plain = drive()
    lips = plain.points(motion(3, jaw=1))
    assert not torch.allclose(lips[0], lips[2])
    assert torch.allclose(lips[1], (lips[0] + lips[2]) / 2, atol=0.05)
    assert not torch.allclose(drive(lip_zero=True).points(motion(1))[0], lips[0]), "a smile is shut first"
    still = plain.points(motion(2, lids=1))
    assert torch.allclose(still[0], still[1], atol=1e-5), "without eye_retargeting lids move nothing"
    blinking = drive(eyes=True).points(motion(2, lids=1))
    assert not torch.allclose(blinking[0], blinking[1])
    stitched = drive(stitching=True).points(motion(3, jaw=1))
    given = torch.cat([plain.source.flatten(1), lips[2:].flatten(1)], dim=1)
    delta = networks.stitch(given)[0]
    wanted = lips[2] + delta[:63].view(21, 3) + torch.cat([delta[63:], torch.zeros(1)])
    assert torch.allclose(stitched[2], wanted, atol=1e-5)


def test_what_is_pasted_back_lies_where_it_was_cut_out() -> None:
    picture = astronaut()
    face = FaceReader(registry.FOLDER).find_faces(picture)[0]
    crop = Crop.of(picture, face)
    assert crop.seen.shape == (SIDE_PIXELS, SIDE_PIXELS, 3)
    paste = Paste(picture, crop, torch.device("cpu"))
    again = torch.from_numpy(crop.seen).permute(2, 0, 1)[None].float() / 255
    box = paste.paste(again)[0].numpy()
    apart = np.abs(box.astype(int) - picture[paste.box])
    assert box.shape == picture[paste.box].shape
    assert float(apart.mean()) < 2.5
    black = paste.paste(torch.zeros(1, 3, SIDE_PIXELS, SIDE_PIXELS))[0].numpy()
    assert (black[0, 0] == picture[paste.box][0, 0]).all(), "the edge is the picture's own"
    assert black[black.shape[0] // 2, black.shape[1] // 2].max() == 0


@pytest.mark.timeout(600)  # a second a frame, and more where the machine is busy
def test_a_portrait_speaks_by_the_networks_end_to_end(folder: Path, made: dict[str, Any], tmp_path: Path) -> None:
    assert made
    sound, picture = tmp_path / "short.wav", tmp_path / "face.png"
    with wave.open(str(sound), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes((np.sin(np.arange(2400) / 5) * 9000).astype("<i2").tobytes())
    Image.fromarray(astronaut()).save(picture)
    (tmp_path / "weights").symlink_to(registry.FOLDER.absolute())
    settings = WorkerSettings(folder=tmp_path, memory=10**9, models={"animate": str(folder)})
    service = TASK.choose(settings)
    pool = Pool(10**9, {"animate": lambda: backends.load(settings)})
    told: list[float] = []
    context = Context("job", tmp_path, pool, service, lambda progress: told.append(progress.fraction))
    kept = [media.keep(path, tmp_path / "media") for path in (picture, sound)]
    result = TASK.run(Params(portrait=kept[0], audio=kept[1]).with_seed(), context)
    assert (service.tier, service.backend, result.facts["model"]) == ("full", "liveportrait", "liveportrait")
    found = video.probe(result.media[0].path, result.media[0].mime).video
    assert found
    assert (found.width, found.height, found.frames) == (512, 512, 4)
    assert told == sorted(told)
    pool.free()


def test_the_installation_says_what_is_missing(tmp_path: Path) -> None:
    tiny_liveportrait.save(tmp_path)
    assert not files.missing(tmp_path)
    (tmp_path / "warping_module.safetensors").unlink()
    settings = WorkerSettings(device="cuda:0", folder=tmp_path, memory=10**9, models={"animate": str(tmp_path)})
    assert files.missing(files.folder(settings)) == ("warping_module.safetensors",)
    with pytest.raises(MissingModel, match=r"warping_module\.safetensors missing"):
        LivePortraitAnimator(tmp_path, registry.FOLDER, "cpu")


def test_auto_takes_the_mesh_and_says_what_liveportrait_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_WEIGHTS", str(tmp_path))
    lacking = backends.choose(WorkerSettings(device="cuda:0", folder=tmp_path, memory=10**9))
    assert lacking.backend == "mesh"
    assert "--fetch liveportrait" in str(lacking.why)
    tiny_liveportrait.save(tmp_path / "liveportrait")
    assert backends.choose(WorkerSettings(device="cuda:0", folder=tmp_path, memory=10**9)).backend == "liveportrait"
    assert backends.choose(WorkerSettings(folder=tmp_path, memory=10**9)).backend == "mesh"
    assert (
        backends.choose(WorkerSettings(device="cuda:0", folder=tmp_path, memory=10**9, models={"animate": "mesh"})).tier
        == "embedded"
    )


def test_a_damaged_file_and_one_of_another_network_are_refused(tmp_path: Path) -> None:
    tiny_liveportrait.save(tmp_path)
    whole = tmp_path / "spade_generator.safetensors"
    kept = whole.read_bytes()
    whole.write_bytes(kept[:1000])
    with pytest.raises(MissingModel, match=r"spade_generator\.safetensors is missing or damaged"):
        TorchNetworks(tmp_path, "cpu")
    whole.write_bytes((tmp_path / "motion_extractor.safetensors").read_bytes())
    with pytest.raises(MissingModel, match="belongs to another model"):
        TorchNetworks(tmp_path, "cpu")


@pytest.mark.timeout(600)  # the exporter is slow where the machine is busy
@torch.inference_mode()
def test_the_same_networks_as_onnx_give_the_same(made: dict[str, Any], networks: TorchNetworks, tmp_path: Path) -> None:
    tiny_liveportrait.export(made, tmp_path)
    assert files.in_onnx(tmp_path)
    assert not files.missing(tmp_path)
    onnx = OnnxNetworks(tmp_path, "cpu")
    picture = torch.rand(1, 3, 256, 256)
    features = networks.appearance(picture)
    assert torch.allclose(onnx.appearance(picture), features, atol=1e-4)
    for name, value in networks.motion(picture).items():
        assert torch.allclose(onnx.motion(picture)[name], value, atol=1e-4), name
    source, driving = torch.randn(1, 21, 3) * 0.2, torch.randn(1, 21, 3) * 0.2
    painted = onnx.render(features, source, driving)
    assert torch.allclose(painted, networks.render(features, source, driving), atol=1e-2)
    rows = torch.rand(2, 126)
    assert torch.allclose(onnx.stitch(rows), networks.stitch(rows), atol=1e-5)
