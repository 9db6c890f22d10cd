"""LTX-Video on small checkpoints with random weights, against plain diffusers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.core.errors import Cancelled, MissingModel
from engine.core.settings import WorkerSettings
from engine.tasks.text_to_video import backends
from engine.tasks.text_to_video.contract import VideoRequest
from engine.tasks.text_to_video.ltx import generator as ours
from engine.tasks.text_to_video.ltx import resolution
from engine.tasks.text_to_video.ltx.generator import NEGATIVE_PROMPT, LtxVideoGenerator, Part
from engine.tasks.text_to_video.ltx.resolution import MAX_FRAMES, parts
from tests.tiny_ltx import save_tiny_ltx

SIZE, FRAMES = (96, 64), 17


@pytest.fixture(scope="module", params=["LTXPipeline", "LTXConditionPipeline"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_ltx(tmp_path_factory.mktemp("ltx"), request.param)


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "STEPS", 3)


@pytest.fixture(scope="module")
def clipper(folder: Path) -> LtxVideoGenerator:
    return LtxVideoGenerator(settings(folder))


def settings(folder: Path, memory: int = 10**9) -> WorkerSettings:
    return WorkerSettings(folder=folder.parent, memory=memory, models={"video": str(folder)})


def picture() -> Any:
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    return np.stack([x * 2, y * 3, 255 - x * 2], axis=2).astype(np.uint8)


def plain(folder: Path, seed: int, begun: Any = None) -> Any:
    """What diffusers' own call makes: (F, H, W, 3) in 0..1."""
    import diffusers
    import torch
    from PIL import Image

    newer = "Condition" in folder.name
    kind = "LTXConditionPipeline" if newer else "LTXImageToVideoPipeline" if begun is not None else "LTXPipeline"
    pipe = getattr(diffusers, kind).from_pretrained(folder)
    given: dict[str, Any] = {"image_cond_noise_scale": 0.025} if newer else {}
    given |= {} if begun is None else {"image": Image.fromarray(begun)}
    return pipe(
        prompt="a ship",
        negative_prompt=NEGATIVE_PROMPT,
        width=SIZE[0],
        height=SIZE[1],
        num_frames=FRAMES,
        frame_rate=30,
        num_inference_steps=3,
        guidance_scale=3.0,
        decode_timestep=0.05,
        decode_noise_scale=0.025,
        generator=torch.Generator("cpu").manual_seed(seed),
        output_type="np",
        **given,
    ).frames[0]


@pytest.mark.parametrize("begun", [None, picture()], ids=["words", "picture"])
def test_it_makes_what_plain_diffusers_makes(clipper: LtxVideoGenerator, folder: Path, begun: Any) -> None:
    told: list[float] = []
    made = clipper.part(Part("a ship", SIZE, FRAMES, 7, begun), told.append)
    theirs = np.round(plain(folder, 7, begun) * 255)
    assert np.shape(made) == theirs.shape == (FRAMES, SIZE[1], SIZE[0], 3)
    assert np.abs(np.asarray(made, int) - theirs).max() <= 1
    assert np.std(theirs) > 5
    assert told == sorted(told)
    assert len(set(told)) == 2 + 3  # at the beginning, with the words read, and after each step


@pytest.mark.parametrize("level", [1, 2])
def test_parts_that_take_turns_make_the_same(clipper: LtxVideoGenerator, level: int) -> None:
    whole = clipper.part(Part("a ship", SIZE, FRAMES, 7, None), lambda _: None)
    resting = clipper.size
    clipper.set_memory_level(level)
    assert clipper.size < resting
    assert all(part.is_offloaded for part in clipper._parts.values())
    turns = clipper.part(Part("a ship", SIZE, FRAMES, 7, None), lambda _: None)
    clipper.set_memory_level(0)
    assert np.abs(np.asarray(whole, int) - turns).max() <= (1 if level == 1 else 255)
    assert not any(part.is_offloaded for part in clipper._parts.values())


def test_frames_that_do_not_fit_are_decoded_in_pieces(
    clipper: LtxVideoGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    vae, decode, tries = clipper._modules["vae"], clipper._modules["vae"].decode, list[bool]()

    def short(*given: Any, **more: Any) -> Any:
        tries.append(vae.use_framewise_decoding)
        if not vae.use_framewise_decoding:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return decode(*given, **more)

    monkeypatch.setattr(vae, "decode", short)
    assert len(clipper.part(Part("a ship", SIZE, 73, 7, None), lambda _: None)) == 73
    assert tries == [False, True]
    assert not vae.use_framewise_decoding


def test_a_cancel_ends_it_between_two_blocks_of_a_step(clipper: LtxVideoGenerator) -> None:
    asked = 0

    def report(fraction: float) -> None:
        nonlocal asked
        asked += fraction > 0
        if asked == 3:
            raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        clipper.part(Part("a ship", SIZE, FRAMES, 7, None), report)
    assert not clipper._modules["transformer"].transformer_blocks[0]._forward_pre_hooks


def test_a_long_clip_goes_on_from_its_last_frame(clipper: LtxVideoGenerator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolution, "SIZES", {"wide": SIZE})
    monkeypatch.setattr(resolution.parts, "__defaults__", (17,))
    told: list[float] = []
    frames = list(clipper.generate(VideoRequest("a ship", "wide", 30, 7, picture()), told.append))
    assert len(frames) == 30
    first = clipper.part(Part("a ship", SIZE, 17, 7, picture()), lambda _: None)
    second = clipper.part(Part("a ship", SIZE, 17, 8, first[-1]), lambda _: None)
    assert np.array_equal(frames[:17], first)
    assert np.array_equal(frames[17:], second[1:14])
    assert told == sorted(told)


def test_parts_are_as_long_as_the_model_wants_them() -> None:
    for frames in (2, 9, 10, 257, 258, 900, 1800):
        made = parts(frames, 8)
        assert all(part % 8 == 1 and part <= MAX_FRAMES for part in made)
        assert frames <= sum(part - 1 for part in made) + 1 < frames + 8
        assert max(made) - min(made) <= 8


def test_another_pipeline_is_refused_by_name(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingModel, match=r"The video model .* cannot be loaded: .* Check models.video"):
        LtxVideoGenerator(WorkerSettings(folder=tmp_path, memory=10**9, models={"video": str(folder / "transformer")}))


def test_nobody_makes_clips_without_a_gpu_unless_the_owner_names_a_model(folder: Path, tmp_path: Path) -> None:
    auto = WorkerSettings(device="cpu", folder=tmp_path, memory=10**9)
    assert "needs an NVIDIA GPU" in str(backends.why(auto))
    assert backends.identity(auto) == ""
    with pytest.raises(MissingModel, match="LTX-Video needs an NVIDIA GPU"):
        backends.load(auto)
    assert backends.identity(settings(folder)).startswith(folder.name)
    without_weights = WorkerSettings(device="cuda:0", folder=tmp_path, memory=10**9)
    assert "python -m engine weights --fetch ltx-video" in str(backends.why(without_weights))
    camera = WorkerSettings(device="cuda:0", folder=tmp_path, memory=10**9, models={"video": "camera"})
    assert (backends.identity(camera), str(backends.why(camera))) == ("", "Chosen in config.toml.")
