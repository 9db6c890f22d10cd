"""Colours that a picture keeps: grey, white, one pixel, what an ICC profile means, 16 bits, alpha."""

import io
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms
from pillow_heif import register_heif_opener

from engine.core.job import Media
from engine.media import video
from engine.media.files import keep
from engine.media.images import read_image
from engine.media.rgb import load_rgb
from engine.media.video import FONTS
from engine.tasks.subtitle.drawing import render
from engine.tasks.subtitle.drawing.typefaces import load_typefaces
from engine.tasks.upscale.params import Params
from engine.tasks.upscale.realesrgan.fidelity import enlarge_faithfully
from engine.tasks.upscale.task import TASK
from engine.tasks.upscale.tile_planner import bicubic
from engine.weights import registry
from engine.weights.registry import weights_folder
from tests.samples import cat
from tests.task_harness import TaskHarness
from tests.timing import HANG_SECONDS

FAST = "realesr-animevideov3"
Levels = NDArray[np.int64]


class Bench(TaskHarness):
    def enlarge(self, image: Media, **options: Any) -> Image.Image:
        (media,) = TASK.run(Params(image=image, **{"model": FAST, "scale": 2, **options}), self.context).media
        return Image.open(io.BytesIO(media.path.read_bytes()))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("ATELIER_WEIGHTS", str(registry.FOLDER.absolute()))
    return Bench(TASK, tmp_path)


def levels(image: Image.Image) -> Levels:
    return np.asarray(image.convert("RGB")).astype(int)


def ramp() -> Image.Image:
    """Every grey from black to white, with detail."""
    grey = np.linspace(0, 255, 64)[None] + 40 * np.sin(np.arange(48) / 2)[:, None]
    return Image.fromarray(grey.clip(0, 255).astype(np.uint8))


@cache
def wide_gamut() -> bytes:
    """A display's profile whose red is farther out than sRGB's: sRGB's own with two primaries' columns exchanged."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    tags = {made[at : at + 4]: at for at in range(132, 132 + 12 * int.from_bytes(made[128:132], "big"), 12)}
    red, green = tags[b"rXYZ"] + 4, tags[b"gXYZ"] + 4
    whole = bytearray(made)
    whole[red : red + 8], whole[green : green + 8] = made[green : green + 8], made[red : red + 8]
    return bytes(whole)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "I;16"])
@pytest.mark.parametrize("scale", [2, 2.5])
def test_grey_stays_grey(bench: Bench, mode: str, scale: float) -> None:
    image = ramp()
    deep = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    made = levels(bench.enlarge(bench.attach(deep if mode == "I;16" else image.convert(mode)), scale=scale))
    assert (np.ptp(made, axis=2) == 0).all()
    assert made.min() <= 2
    assert made.max() >= 253


def test_grey_stays_grey_with_the_profile_of_a_screen(bench: Bench) -> None:
    """Programs write such files; the profile cannot be followed."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made = levels(bench.enlarge(bench.attach(ramp(), icc_profile=profile)))
    assert (np.ptp(made, axis=2) == 0).all()


def test_white_and_black_stay_unchanged_beside_a_colour(bench: Bench) -> None:
    image = Image.new("RGB", (48, 32), "white")
    image.paste("black", (0, 0, 16, 32))
    image.paste((200, 30, 60), (32, 0, 48, 32))
    made = levels(bench.enlarge(bench.attach(image), scale=4))
    assert (made[8:-8, 8:52] == 0).all()
    assert (made[8:-8, 76:116] == 255).all()


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 40), (3, 3), (23, 5)])
@pytest.mark.parametrize("colour", [(200, 30, 60), (30, 200, 90), (255, 255, 255), (7, 7, 7)])
def test_a_picture_of_few_pixels_keeps_its_colour(
    bench: Bench, size: tuple[int, int], colour: tuple[int, int, int]
) -> None:
    made = levels(bench.enlarge(bench.attach(Image.new("RGB", size, colour)), scale=4))
    assert made.shape == (4 * size[1], 4 * size[0], 3)
    assert abs(made - colour).max() <= 3


def test_a_small_picture_keeps_its_position() -> None:
    """Around it there is a border while it is enlarged; nothing may move by it."""
    picture = np.asarray(Image.fromarray(cat()).resize((20, 30)))
    made = enlarge_faithfully(picture, (75, 50), lambda *given: bicubic(*given), lambda _: None)  # noqa: PLW0108  # not itself
    plain = bicubic(picture, (75, 50), lambda _: None)
    assert abs(made.astype(int) - plain).mean() < 4


def test_cmyk_is_converted_through_its_profile() -> None:
    plain = levels(Image.fromarray(cat()).resize((96, 72)))
    place = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    assert place.profile.xcolor_space == "RGB "
    photo = Path(__file__).parents[3] / "shared" / "cases" / "cmyk_icc.jpg"
    if not photo.exists():
        photo = Path(__file__).parents[4] / "shared" / "cases" / "cmyk_icc.jpg"
    if not photo.exists():
        pytest.skip("a CMYK profile cannot be made here, and shared/cases is not beside the clone")
    plain = levels(Image.open(photo.with_name("plain.png")))
    assert abs(read_image(photo).colours.astype(int) - plain).mean() < 5


def test_a_wide_gamut_profile_is_kept_in_the_file_and_applied_for_display(bench: Bench) -> None:
    sent = bench.attach(Image.new("RGB", (8, 8), (200, 30, 60)), icc_profile=wide_gamut())
    assert read_image(sent.path).profile == wide_gamut()
    assert tuple(read_image(sent.path).colours[0, 0]) == (200, 30, 60)
    red, green, _ = load_rgb(sent.path)[0, 0]
    assert green > 150 > red  # red and green are exchanged


@pytest.mark.parametrize("profile", [b"no profile", b"\0" * 200])
def test_a_damaged_profile_is_ignored(bench: Bench, profile: bytes) -> None:
    sent = bench.attach(Image.new("RGB", (8, 8), (200, 30, 60)), icc_profile=profile)
    assert tuple(load_rgb(sent.path)[0, 0]) == (200, 30, 60)
    assert read_image(sent.path).profile is None


def test_sixteen_bit_pictures_keep_their_brightness(bench: Bench) -> None:
    sent = bench.attach(Image.fromarray(np.full((12, 12), 40_000, np.uint16)))
    assert tuple(load_rgb(sent.path)[0, 0]) == (156, 156, 156)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_half_transparent_pixels_are_blended_over_white(bench: Bench, mode: str) -> None:
    image = Image.new("RGBA", (8, 8), (100, 100, 100, 128))
    if mode == "P":
        image.putalpha(Image.new("L", (8, 8), 0))
    seen = load_rgb(bench.attach(image.convert(mode)).path)[0, 0]
    assert tuple(seen) == ((255,) * 3 if mode == "P" else (177,) * 3)


def test_a_photo_of_an_iphone_is_enlarged(bench: Bench) -> None:
    register_heif_opener()
    small = Image.fromarray(cat()).resize((64, 48))
    made = bench.enlarge(bench.attach(small, "HEIF", quality=95))
    assert (made.format, made.size) == ("PNG", (128, 96))
    assert abs(levels(made.resize((64, 48), Image.Resampling.BOX)) - levels(small)).mean() < 8


def test_an_animated_png_becomes_an_animated_webp_in_its_colours(bench: Bench) -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ((200, 30, 60), (30, 200, 90))]
    sent = bench.attach(
        frames[0], save_all=True, append_images=frames[1:], duration=[50, 150], loop=0, icc_profile=wide_gamut()
    )
    made = bench.enlarge(sent)
    assert (made.format, made.size, made.n_frames) == ("WEBP", (64, 64), 2)  # type: ignore[attr-defined]
    assert made.info["icc_profile"] == wide_gamut()
    for number, colour in enumerate(((200, 30, 60), (30, 200, 90))):
        made.seek(number)
        assert abs(levels(made)[32, 32] - colour).max() < 14


def odd_video(folder: Path, codec: tuple[str, ...] = ("libx264", "yuv444p", "mp4")) -> Media:
    """Half a second of 97 x 55, grey, with a white last column and row."""
    path = folder / f"odd.{codec[2]}"
    edges = "drawbox=x=96:w=1:h=55:c=white:t=fill,drawbox=y=54:w=97:h=1:c=white:t=fill"
    source = f"color=gray:s=97x55:r=10:d=0.5,format=yuv444p,{edges}"
    how = ["-c:v", codec[0], "-pix_fmt", codec[1]]
    command = [video.ffmpeg_path(), "-v", "error", "-f", "lavfi", "-i", source, *how, str(path)]
    subprocess.run(command, check=True, timeout=HANG_SECONDS)
    return keep(path, folder / "media")


def last_frame(media: Media) -> Levels:
    found = video.probe(media.path, media.mime).video
    assert found is not None
    *_, frame = video.read_frames(media.path, media.mime, found, video.CancelOrTimeout())
    return frame.astype(int)


def test_an_odd_sized_video_is_enlarged_with_its_last_row_and_column(bench: Bench) -> None:
    (made,) = TASK.run(Params(image=odd_video(bench.folder), model=FAST, scale=2), bench.context).media
    frame = last_frame(made)
    assert frame.shape == (110, 194, 3)
    assert frame[109].min() > 200 > frame[100].min()
    assert frame[:, 193].min() > 200


@pytest.mark.parametrize("codec", [("libx264", "yuv444p", "mp4"), ("libvpx-vp9", "yuv420p", "webm")])
@pytest.mark.parametrize("burnt", [True, False])
def test_an_odd_sized_video_gets_subtitles_with_its_last_row_and_column(
    bench: Bench, codec: tuple[str, str, str], burnt: bool
) -> None:
    sent = odd_video(bench.folder, codec)
    (bench.folder / FONTS).write_text(render.FONTCONFIG)
    (bench.folder / "fonts").mkdir()
    renderer = render.Renderer(bench.folder, video.CancelOrTimeout(), load_typefaces(weights_folder(Path("data"))))
    if burnt:
        path = renderer.burn(sent, "[Script Info]\nScriptType: v4.00+\n", lambda _: None)
    else:
        path = renderer.mux(sent, "1\n00:00:00,000 --> 00:00:00,300\nHi\n", "eng", lambda _: None)
    frame = last_frame(keep(path, bench.folder / "media"))
    assert frame.shape[:2] in ((55, 97), (56, 98))
    assert frame[-1].min() > 150 > frame[50, :90].max()
    assert frame[:, -1].min() > 150
