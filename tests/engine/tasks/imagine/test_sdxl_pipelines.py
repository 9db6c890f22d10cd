"""What goes beyond words to a picture, on a whole checkpoint of small random weights, against plain diffusers."""

import gc
import weakref
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.core.errors import BadInput, MissingModel
from engine.core.job import Media
from engine.core.settings import WorkerSettings
from engine.media.files import keep
from engine.media.png import encode
from engine.media.rgb import load_rgb
from engine.tasks.imagine.params import Params
from engine.tasks.imagine.sdxl import pipelines
from engine.tasks.imagine.sdxl.checkpoint import support
from engine.tasks.imagine.sdxl.control import controlnet, edge_detectors, pose
from engine.tasks.imagine.sdxl.generator import SdxlGenerator
from engine.vision.depth import network as depth
from tests.tiny_sdxl import (
    save_tiny_controlnet,
    save_tiny_depth,
    save_tiny_lora,
    save_tiny_pose,
    save_tiny_sdxl,
)

Picture = NDArray[np.uint8]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint, and a weights folder with a LoRA, ControlNets and their readers."""
    home = tmp_path_factory.mktemp("pipelines")
    save_tiny_sdxl(home)
    (home / "weights" / "loras").mkdir(parents=True)
    save_tiny_lora(home / "weights" / "loras" / "film.safetensors")
    for kind in ("canny", "depth", "pose"):
        save_tiny_controlnet(home / "weights" / "controls" / kind)
    save_tiny_depth(home / "weights" / "controls" / "depth-reader")
    save_tiny_pose(home / "weights" / "controls" / "pose-reader")
    return home


@pytest.fixture(scope="module")
def settings(home: Path) -> Iterator[WorkerSettings]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_WEIGHTS", str(home / "weights"))
        yield WorkerSettings(folder=home, memory=10**9, models={"imagine": str(home / "tiny-sdxl")})


@pytest.fixture(scope="module")
def sdxl(settings: WorkerSettings) -> SdxlGenerator:
    return SdxlGenerator(settings)


@pytest.fixture(scope="module")
def plain(settings: WorkerSettings) -> Callable[..., Picture]:
    """Draws by the diffusers pipeline of that name, with Lightning's settings."""
    import diffusers
    import torch

    base = diffusers.StableDiffusionXLPipeline.from_pretrained(settings.models["imagine"])
    base.scheduler = diffusers.EulerDiscreteScheduler.from_config(base.scheduler.config, timestep_spacing="trailing")

    def draw(kind: str = "", lora: tuple[Path, float] | None = None, **asked: Any) -> Picture:
        more = {"controlnet": asked.pop("controlnet")} if "controlnet" in asked else {}
        pipe = getattr(diffusers, f"StableDiffusionXL{kind}Pipeline")(**base.components, **more)
        if lora:
            pipe.load_lora_weights(lora[0].parent, weight_name=lora[0].name, adapter_name="it")
            pipe.set_adapters(["it"], [lora[1]])
        generator = torch.Generator("cpu").manual_seed(7)
        drawn = pipe("a cat", guidance_scale=0, generator=generator, output_type="np", **asked).images[0]
        if lora:
            pipe.unload_lora_weights()
        return np.asarray(np.round(drawn * 255), np.uint8)

    return draw


@pytest.fixture(scope="module")
def photo() -> Picture:
    """96 x 64: a disc on a slope of colours."""
    rows, columns = np.mgrid[0:64, 0:96]
    slope = np.stack([columns * 2, rows * 3, 255 - columns * 2], axis=2)
    inside = (rows - 32) ** 2 + (columns - 40) ** 2 < 400
    return np.where(inside[:, :, None], 255 - slope, slope).astype(np.uint8)


def keep_picture(picture: Picture, folder: Path) -> Media:
    return keep(encode(picture), folder)


def quiet(_stage: str, _fraction: float, _preview: object = None) -> None:
    return None


def draw_picture(sdxl: SdxlGenerator, **options: Any) -> Picture:
    (picture,) = sdxl.generate(Params(prompt="a cat", seed=7, **options), quiet).pictures
    return picture


def far(one: Picture, other: Picture) -> int:
    return int(np.abs(one.astype(int) - other).max())


def right_half(shape: tuple[int, ...]) -> Picture:
    mask = np.zeros((*shape[:2], 3), np.uint8)
    mask[:, shape[1] // 2 :] = 255
    return mask


def test_from_a_picture_it_draws_what_diffusers_draws(
    sdxl: SdxlGenerator, plain: Callable[..., Picture], photo: Picture, tmp_path: Path
) -> None:
    from PIL import Image

    begun = Image.fromarray(photo[:, :64])
    theirs = plain("Img2Img", image=begun, strength=0.5, num_inference_steps=8)
    assert far(draw_picture(sdxl, image=keep_picture(photo[:, :64], tmp_path), strength=0.5), theirs) <= 1


def test_into_a_mask_it_draws_what_diffusers_draws_and_leaves_the_rest_alone(
    sdxl: SdxlGenerator, plain: Callable[..., Picture], photo: Picture, tmp_path: Path
) -> None:
    from PIL import Image

    square = photo[:, :64]
    mask = right_half(square.shape)
    theirs = plain(
        "Inpaint",
        image=Image.fromarray(square),
        mask_image=Image.fromarray(mask).convert("L"),
        strength=1.0,
        num_inference_steps=4,
        width=64,
        height=64,
    )
    ours = draw_picture(sdxl, image=keep_picture(square, tmp_path), mask=keep_picture(mask, tmp_path))
    assert far(ours[:, 36:], theirs[:, 36:]) <= 1
    assert far(ours[:, :32], square[:, :32]) == 0
    assert far(ours[:, 40:], square[:, 40:]) > 20


def test_a_mask_of_another_size_and_a_picture_of_any_shape_come_out_in_the_pictures_size(
    sdxl: SdxlGenerator, tmp_path: Path
) -> None:
    large = np.full((300, 401, 3), 90, np.uint8)
    mask = np.zeros((30, 40, 3), np.uint8)
    mask[10:20, 10:15] = 255
    ours = draw_picture(sdxl, image=keep_picture(large, tmp_path), mask=keep_picture(mask, tmp_path))
    assert ours.shape == large.shape
    changed = (ours != large).any(axis=2)
    assert changed[110:190, 110:140].mean() > 0.9
    assert not changed[:95].any()
    assert not changed[:, 160:].any()


def test_a_black_mask_is_refused(sdxl: SdxlGenerator, photo: Picture, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="mask is completely black"):
        draw_picture(sdxl, image=keep_picture(photo, tmp_path), mask=keep_picture(photo * 0, tmp_path))


@pytest.mark.parametrize("towards", ["left", "right", "up", "down"])
def test_a_pan_adds_half_a_window_and_leaves_the_far_side_alone(
    sdxl: SdxlGenerator, tmp_path: Path, towards: str
) -> None:
    square = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    ours = draw_picture(sdxl, image=keep_picture(square, tmp_path), extend=towards)
    assert ours.shape == ((64, 96, 3) if towards in ("left", "right") else (96, 64, 3))
    old = {"left": ours[:, 40:], "right": ours[:, :56], "up": ours[40:], "down": ours[:56]}[towards]
    same = {"left": square[:, 8:], "right": square[:, :56], "up": square[8:], "down": square[:56]}[towards]
    assert far(old, same) == 0


def test_zooming_out_keeps_the_size_and_the_middle(sdxl: SdxlGenerator, photo: Picture, tmp_path: Path) -> None:
    from PIL import Image

    square = photo[:, :64]
    ours = draw_picture(sdxl, image=keep_picture(square, tmp_path), extend="out")
    inner = np.asarray(Image.fromarray(square).resize((43, 43), Image.Resampling.LANCZOS))
    assert ours.shape == square.shape
    assert far(ours[13:50, 13:50], inner[3:40, 3:40]) == 0


def test_a_picture_that_is_long_enough_is_not_panned_further(sdxl: SdxlGenerator, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="the limit is 256"):
        draw_picture(sdxl, image=keep_picture(np.zeros((64, 256, 3), np.uint8), tmp_path), extend="right")


def test_with_a_lora_it_draws_what_diffusers_draws_and_afterwards_without_it(
    sdxl: SdxlGenerator, plain: Callable[..., Picture], home: Path
) -> None:
    before = draw_picture(sdxl)
    ours = draw_picture(sdxl, lora="film:0.8")
    theirs = plain(lora=(home / "weights" / "loras" / "film.safetensors", 0.8), num_inference_steps=4)
    assert far(ours, theirs) <= 1
    assert far(ours, before) > 2
    assert far(draw_picture(sdxl), before) == 0


def test_a_file_that_is_no_lora_is_told_plainly(sdxl: SdxlGenerator, home: Path) -> None:
    (home / "weights" / "loras" / "broken.safetensors").write_bytes(b"no")
    with pytest.raises(MissingModel, match="LoRA broken is damaged or not made for SDXL"):
        draw_picture(sdxl, lora="broken")
    (home / "weights" / "loras" / "broken.safetensors").unlink()


def test_along_edges_it_draws_what_diffusers_draws(
    sdxl: SdxlGenerator, plain: Callable[..., Picture], photo: Picture, home: Path, tmp_path: Path
) -> None:
    from diffusers import ControlNetModel
    from PIL import Image

    square = photo[:, :64]
    network = ControlNetModel.from_pretrained(home / "weights" / "controls" / "canny")
    edges = Image.fromarray(edge_detectors.canny(square))
    asked: dict[str, Any] = {"controlnet": network, "controlnet_conditioning_scale": 0.7}
    image = keep_picture(square, tmp_path)
    theirs = plain("ControlNet", image=edges, num_inference_steps=4, **asked)
    assert far(draw_picture(sdxl, image=image, control="canny", control_weight=0.7), theirs) <= 1
    theirs = plain(
        "ControlNetImg2Img",
        image=Image.fromarray(square),
        control_image=edges,
        strength=0.5,
        num_inference_steps=8,
        **asked,
    )
    assert far(draw_picture(sdxl, image=image, control="canny", control_weight=0.7, strength=0.5), theirs) <= 1
    mask = right_half(square.shape)
    theirs = plain(
        "ControlNetInpaint",
        image=Image.fromarray(square),
        mask_image=Image.fromarray(mask).convert("L"),
        control_image=edges,
        strength=1.0,
        num_inference_steps=4,
        **asked,
    )
    masked = draw_picture(sdxl, image=image, control="canny", control_weight=0.7, mask=keep_picture(mask, tmp_path))
    assert far(masked[:, 36:], theirs[:, 36:]) <= 1


def test_each_control_follows_something_else_of_the_picture_and_of_another_picture_too(
    settings: WorkerSettings, home: Path, photo: Picture, tmp_path: Path
) -> None:
    """All their networks here have the same weights."""
    network = {"control:scribble": str(home / "weights" / "controls" / "canny")}
    sdxl = SdxlGenerator(settings.model_copy(update={"models": settings.models | network}))
    images = [keep_picture(photo, tmp_path), keep_picture(np.ascontiguousarray(photo[:, ::-1] // 2), tmp_path)]
    made = [
        draw_picture(sdxl, image=image, control=kind) for kind in ("canny", "scribble", "depth") for image in images
    ]
    assert min(far(one, other) for one, other in combinations(made, 2)) > 2


@pytest.mark.parametrize("kind", ["depth", "pose"])
def test_what_a_network_reads_in_the_picture_is_followed(
    sdxl: SdxlGenerator, photo: Picture, tmp_path: Path, kind: str
) -> None:
    image = keep_picture(photo, tmp_path)
    followed, freely = (draw_picture(sdxl, image=image, control=kind, control_weight=each) for each in (1.0, 0.0))
    assert followed.shape == (48, 80, 3)
    assert far(followed, freely) > 2


def test_depth_is_from_black_to_white_in_the_pictures_size(home: Path, photo: Picture) -> None:
    seen = depth.Depth(str(home / "weights" / "controls" / "depth-reader"), "cpu")(photo)
    assert seen.shape == photo.shape
    assert (seen.min(), seen.max()) == (0, 255)


def test_a_pose_is_drawn_limb_by_limb_where_it_is_sure() -> None:
    points = np.array([[50, 10 + 5 * number] for number in range(17)], float)
    scores = np.ones(17)
    scores[[9, 10]] = 0.1
    body = pose.openpose(points, scores)
    assert body.shape == (18, 2)
    assert body[1].tolist() == [50, 37.5]
    assert np.isnan(body[[4, 7]]).all()
    page = np.zeros((100, 100, 3), np.uint8)
    pose.draw(page, body)
    assert page[10, 50].tolist() == [255, 0, 0]
    assert len(np.unique(page.reshape(-1, 3), axis=0)) > 15


def test_outlines_are_white_where_the_picture_changes(photo: Picture) -> None:
    for lines in (edge_detectors.canny(photo), edge_detectors.scribble(photo)):
        assert lines.shape == photo.shape
        assert set(np.unique(lines)) == {0, 255}
        assert not lines[:4, :4].any()
    assert edge_detectors.canny(photo)[32, 18:23].any()


def test_a_control_without_its_network_is_refused_with_what_there_is(settings: WorkerSettings) -> None:
    names = support(settings).choices
    assert set(names["control"]) == {"canny", "depth", "pose"}
    assert set(names["lora"]) == {"film"}


def test_a_control_whose_files_are_not_whole_is_told_plainly(settings: WorkerSettings, tmp_path: Path) -> None:
    named = WorkerSettings(
        folder=settings.folder, memory=10**9, models=settings.models | {"control:scribble": str(tmp_path)}
    )
    with pytest.raises(MissingModel, match=r"control scribble .* models\.controls"):
        controlnet.load("scribble", named)


def test_only_the_newest_control_is_kept_and_it_is_counted_with_what_reads_for_it(
    sdxl: SdxlGenerator, photo: Picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_picture(sdxl, image=keep_picture(photo, tmp_path), control="canny")
    old = weakref.ref(sdxl._builder._controls["canny"].network)
    load = controlnet.load

    def count_loads(kind: str, settings: WorkerSettings) -> controlnet.Control:
        gc.collect()
        assert old() is None
        return load(kind, settings)

    monkeypatch.setattr(controlnet, "load", count_loads)
    draw_picture(sdxl, image=keep_picture(photo, tmp_path), control="depth")
    assert list(sdxl._builder._controls) == ["depth"]
    networks = sdxl._builder._controls["depth"].networks
    assert len(networks) == 2
    own = sum(each.nbytes for network in networks for each in (*network.parameters(), *network.buffers()))
    assert sdxl._parts["control"].size == own
    assert sdxl.size == sum(part.size for part in sdxl._parts.values())


def test_with_little_memory_it_draws_the_same_along_a_control(
    sdxl: SdxlGenerator, photo: Picture, tmp_path: Path
) -> None:
    asked: dict[str, Any] = {"image": keep_picture(photo, tmp_path), "control": "canny", "lora": "film"}
    roomy = draw_picture(sdxl, **asked)
    sdxl.set_memory_level(2)
    assert far(draw_picture(sdxl, **asked), roomy) <= 2
    sdxl.set_memory_level(0)
    assert far(draw_picture(sdxl, **asked), roomy) == 0


@pytest.mark.parametrize("lora", ["", "film"])
def test_with_little_memory_words_are_read_and_gone_before_it_draws_from_a_picture(
    sdxl: SdxlGenerator, photo: Picture, tmp_path: Path, lora: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []
    draw = pipelines.draw

    def watch(*given: Any) -> list[Picture]:
        seen.append({name for name, part in sdxl._parts.items() if not part.is_offloaded})
        return draw(*given)

    monkeypatch.setattr(pipelines, "draw", watch)
    asked: dict[str, Any] = {"image": keep_picture(photo, tmp_path), "control": "canny", "strength": 0.5, "lora": lora}
    sdxl.set_memory_level(2)
    draw_picture(sdxl, **asked)
    assert seen == [{"unet", "vae", "control"}]
    assert all(part.is_offloaded for part in sdxl._parts.values())
    sdxl.set_memory_level(0)
    draw_picture(sdxl, **asked)
    assert seen[1] == {"texts", "unet", "vae", "control"}


def test_tiling_makes_opposite_edges_meet(sdxl: SdxlGenerator) -> None:
    """A network of circular convolutions draws the same picture, moved, from noise that is moved."""
    import torch

    from engine.tasks.imagine.sdxl.seamless import seamless

    pipe = sdxl._pipe
    noise = torch.randn(1, 4, 32, 32, generator=torch.Generator().manual_seed(1))

    def draw(noise: Any) -> Any:
        return pipe("x", latents=noise, num_inference_steps=2, guidance_scale=0, output_type="np").images[0]

    with torch.inference_mode(), seamless(pipe):
        still, moved = draw(noise), draw(noise.roll(8, dims=3))
    assert np.abs(np.roll(still, 16, axis=1) - moved).max() < 1e-4
    with torch.inference_mode():
        assert np.abs(np.roll(draw(noise), 16, axis=1) - draw(noise.roll(8, dims=3))).max() > 0.01
    assert far(draw_picture(sdxl, tiling=True), draw_picture(sdxl)) > 2


def test_tiling_has_no_seam_where_little_memory_makes_the_vae_decode_in_tiles(sdxl: SdxlGenerator) -> None:
    """Jumps across the edges against those inside, of a picture whose latents go on at the opposite edge."""
    import torch

    from engine.tasks.imagine.sdxl.seamless import seamless

    vae = sdxl._pipe.vae
    noise = torch.randn(1, 4, 64, 64, generator=torch.Generator().manual_seed(1))
    smooth = 5 * torch.nn.functional.avg_pool2d(torch.nn.functional.pad(noise, (4,) * 4, mode="circular"), 9, 1)

    def seam() -> float:
        page = vae.decode(smooth, return_dict=False)[0]
        return float((page[..., 0] - page[..., -1]).abs().mean() / (page[..., 1:] - page[..., :-1]).abs().mean())

    sdxl.set_memory_level(1)
    vae.tile_latent_min_size, vae.tile_sample_min_size = 32, 64
    with torch.inference_mode():
        plain = seam()
        with seamless(sdxl._pipe):
            fitting = seam()
        assert seam() == plain
    sdxl.set_memory_level(0)
    assert fitting < 1 < plain


def test_a_variation_turns_from_one_seeds_picture_to_anothers(sdxl: SdxlGenerator) -> None:
    own, other = draw_picture(sdxl), sdxl.generate(Params(prompt="a cat", seed=8), quiet).pictures[0]
    assert far(draw_picture(sdxl, variation=0), own) == 0
    assert far(draw_picture(sdxl, variation=1), other) <= 1
    away = [
        float(np.abs(draw_picture(sdxl, variation=share, variation_seed=99).astype(int) - own).mean())
        for share in (0.1, 0.3, 0.6)
    ]
    assert 0 < away[0] < away[1] < away[2]


def test_variations_of_a_count_turn_to_seeds_of_their_own(sdxl: SdxlGenerator) -> None:
    three = sdxl.generate(Params(prompt="a cat", seed=7, variation=0.5, variation_seed=20, count=3), quiet).pictures
    alone = draw_picture(sdxl, variation=0.5, variation_seed=22)
    assert far(three[2], alone) <= 2
    assert far(three[0], three[1]) > 2


def test_noise_between_two_has_their_spread() -> None:
    import torch

    from engine.tasks.imagine.sdxl.noise import noises, slerp

    one, other = (noises([seed], (4, 64, 64), torch.float32) for seed in (1, 2))
    assert float(slerp(one, other, 0.5).std()) == pytest.approx(1, abs=0.02)
    assert float(torch.lerp(one, other, 0.5).std()) < 0.75
    assert torch.equal(slerp(one, one, 0.5), one)


@pytest.mark.parametrize(
    ("options", "extent"),
    [
        ({"shape": "3:2"}, (80, 48)),
        ({"shape": "9:21"}, (40, 96)),
        ({"width": 64, "height": 72}, (64, 72)),
    ],
)
def test_sizes_are_those_of_the_buckets_or_exact(
    sdxl: SdxlGenerator, options: dict[str, Any], extent: tuple[int, int]
) -> None:
    picture = draw_picture(sdxl, **options)
    assert (picture.shape[1], picture.shape[0]) == extent


def test_a_picture_to_start_from_keeps_its_shape(sdxl: SdxlGenerator, photo: Picture, tmp_path: Path) -> None:
    assert draw_picture(sdxl, image=keep_picture(photo, tmp_path)).shape == (48, 80, 3)
    assert draw_picture(sdxl, image=keep_picture(photo, tmp_path), shape="square").shape == (64, 64, 3)


@pytest.mark.parametrize(
    ("width", "height", "told"), [(4096, 64, "width is 4096"), (128, 128, "128 x 128 is too large")]
)
def test_a_size_that_the_model_cannot_draw_is_refused(sdxl: SdxlGenerator, width: int, height: int, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        draw_picture(sdxl, width=width, height=height)


@pytest.mark.filterwarnings("ignore:`upcast_vae` is deprecated:FutureWarning")  # diffusers' own call
def test_a_vae_that_overflows_in_half_precision_stays_as_it_was(
    settings: WorkerSettings, photo: Picture, tmp_path: Path
) -> None:
    """Diffusers casts such a one to and fro, which moves its weights."""
    sdxl = SdxlGenerator(settings)
    pipe = sdxl._pipe
    for part in (pipe.unet, pipe.text_encoder, pipe.text_encoder_2):
        part.half()
    pipe.vae.register_to_config(force_upcast=True)
    lies = [(each.data_ptr(), each.dtype) for each in pipe.vae.parameters()]
    draw_picture(sdxl, image=keep_picture(photo, tmp_path))
    assert [(each.data_ptr(), each.dtype) for each in pipe.vae.parameters()] == lies


def test_what_was_kept_is_what_was_given(photo: Picture, tmp_path: Path) -> None:
    assert far(load_rgb(keep_picture(photo, tmp_path).path), photo) == 0
