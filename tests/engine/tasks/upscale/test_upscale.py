"""The task upscale as the worker runs it: pictures, GIFs and videos in, larger ones out."""

import io
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.core.errors import BadInput, Cancelled, TooLarge
from engine.core.job import Media, Result
from engine.media import video
from engine.media.files import keep
from engine.tasks.upscale.params import Params
from engine.tasks.upscale.task import TASK
from engine.weights import registry
from tests.task_harness import TaskHarness

FAST = "realesr-animevideov3"


class Bench(TaskHarness):
    """What is enlarged."""

    def run(self, image: Media, **options: Any) -> Result:
        return TASK.run(Params(image=image, **{"model": FAST, **options}), self.context)

    def made(self, image: Media, **options: Any) -> Image.Image:
        (media,) = self.run(image, **options).media
        return Image.open(io.BytesIO(media.path.read_bytes()))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("ATELIER_WEIGHTS", str(registry.FOLDER.absolute()))
    return Bench(TASK, tmp_path)


def halves(wide: int = 24, high: int = 16) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (wide, high), (200, 30, 30))
    image.paste((30, 30, 200), (wide // 2, 0, wide, high))
    return image


@pytest.mark.parametrize(("scale", "size"), [(4, (96, 64)), (2, (48, 32)), (2.5, (60, 40))])
def test_a_picture_grows_by_any_scale(bench: Bench, scale: float, size: tuple[int, int]) -> None:
    result = bench.run(bench.attach(halves()), scale=scale)
    (media,) = result.media
    assert (media.mime, media.width, media.height) == ("image/png", *size)
    assert (result.facts["tier"], result.facts["model"]) == ("embedded", FAST)
    assert bench.told[-1].fraction > 0.5


def test_without_a_model_photographs_are_expected(bench: Bench) -> None:
    assert bench.run(bench.attach(halves(8, 8)), model=None).facts["model"] == "RealESRGAN_x4plus"


def test_alpha_is_kept_with_sharp_edges_and_no_fringe_of_what_is_under_it(bench: Bench) -> None:
    image = Image.new("RGBA", (32, 32), (0, 255, 0, 0))
    image.paste((200, 30, 30, 255), (8, 8, 24, 24))
    made = np.asarray(bench.made(bench.attach(image)))
    assert made.shape == (128, 128, 4)
    assert (made[:24, :24, 3] == 0).all()
    assert (made[48:80, 48:80, 3] == 255).all()
    seen = made[made[..., 3] > 128].astype(int)
    assert (seen[:, 0] > seen[:, 1] + 60).all()


def test_it_is_turned_as_its_exif_says_and_its_place_is_dropped(bench: Bench) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[2] = (59.0, 54.0, 0.0)
    made = bench.made(bench.attach(halves(), "JPEG", exif=exif))
    assert made.size == (64, 96)
    assert not made.getexif()
    assert made.convert("RGB").getpixel((32, 8))[0] > 150  # type: ignore[index]  # RGB gives a tuple


def test_a_colour_profile_stays(bench: Bench) -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert bench.made(bench.attach(halves(), icc_profile=profile)).info["icc_profile"] == profile


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK", "I;16"])
def test_pictures_of_every_mode_are_read(bench: Bench, mode: str) -> None:
    if mode == "I;16":
        image = Image.fromarray(np.full((12, 12), 40000, np.uint16))
    else:
        image = Image.new("RGB", (12, 12), (156, 156, 156)).convert(mode)
    made = bench.made(bench.attach(image, "TIFF" if mode == "CMYK" else "PNG")) if mode != "CMYK" else None
    if made is None:
        made = bench.made(bench.attach(image, "JPEG"))
    expected = 156 if mode != "1" else np.asarray(image.convert("L")).mean()
    assert abs(np.asarray(made.convert("L"), float).mean() - expected) < 12


def test_a_gif_keeps_its_frames_times_and_transparency(bench: Bench) -> None:
    frames = []
    for x in (2, 8, 14):
        frame = Image.new("RGBA", (24, 16), (0, 0, 0, 0))
        frame.paste((200, 30, 30, 255), (x, 4, x + 8, 12))
        frames.append(frame)
    gif = bench.attach(
        frames[0], "GIF", save_all=True, append_images=frames[1:], duration=[50, 100, 150], loop=0, disposal=2
    )
    result = bench.run(gif, scale=2, model=None)
    made = Image.open(io.BytesIO(result.media[0].path.read_bytes()))
    assert (made.format, made.size, made.n_frames, made.info["loop"]) == ("GIF", (48, 32), 3, 0)  # type: ignore[attr-defined]
    assert result.facts["model"] == FAST
    durations = []
    for number, x in enumerate((2, 8, 14)):
        made.seek(number)
        durations.append(made.info["duration"])
        pixels = np.asarray(made.convert("RGBA"))
        assert pixels[16, 2 * x + 8, 3] == 255
        assert pixels[16, 2 * x + 8, 0] > 150
        assert pixels[1, 1, 3] == 0
    assert durations == [50, 100, 150]


def test_an_animated_avif_becomes_a_webp_with_its_frames_and_times(bench: Bench) -> None:
    frames = [halves().rotate(90 * turn) for turn in range(3)]
    source = bench.attach(frames[0], "AVIF", save_all=True, append_images=frames[1:], duration=[50, 100, 150])
    assert (source.mime, source.width, source.height) == ("image/avif", 24, 16)
    (media,) = bench.run(source, scale=2, model=None).media
    made = Image.open(io.BytesIO(media.path.read_bytes()))
    assert (made.format, made.size, made.n_frames) == ("WEBP", (48, 32), 3)  # type: ignore[attr-defined]
    durations = []
    for number in range(3):
        made.seek(number)
        made.load()
        durations.append(made.info["duration"])
    assert durations == [50, 100, 150]


def clip(folder: Path) -> Media:
    """Half a second of a moving bar, with a tone."""
    path, tone = folder / "clip.mp4", folder / "tone.wav"
    with wave.open(str(tone), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16000)
        sound.writeframes((np.sin(np.arange(8000) / 5) * 8000).astype("<i2").tobytes())
    pictures = [np.asarray(halves(32, 24).rotate(9 * turn)) for turn in range(5)]
    found = video.probe(tone, "audio/wav")
    video.write_frames(pictures, path, 10, video.CancelOrTimeout(), (tone, "audio/wav", found))
    return keep(path, folder / "media")


def test_a_video_keeps_its_frames_and_its_sound(bench: Bench) -> None:
    source = clip(bench.folder)
    result = bench.run(source, scale=2, model=None)
    (media,) = result.media
    assert (media.mime, media.width, media.height, result.facts["model"]) == ("video/mp4", 64, 48, FAST)
    before, after = video.probe(source.path, source.mime), video.probe(media.path, media.mime)
    assert before.video
    assert after.video
    assert (after.video.frames, after.video.rate) == (before.video.frames, before.video.rate)
    assert after.sound
    assert abs(after.seconds - before.seconds) < 0.2
    assert media.seconds == round(after.seconds, 3)
    assert len({told.fraction for told in bench.told}) >= 5


@pytest.mark.parametrize("moving", [False, True])
def test_a_cancel_ends_it(bench: Bench, moving: bool) -> None:
    source = clip(bench.folder) if moving else bench.attach(halves())
    bench.context.cancelled.set()
    with pytest.raises(Cancelled):
        bench.run(source)


def test_a_result_over_the_bound_is_refused_before_it_waits(bench: Bench) -> None:
    source = bench.attach(Image.new("1", (3000, 3000)))
    with pytest.raises(TooLarge, match=r"3000 x 3000 pixels; at scale 4 the result .* limit of 67,108,864"):
        Params(image=source, scale=4)
    assert Params(image=source, scale=2).scale == 2


def test_too_much_work_for_the_network_is_refused_with_a_way_out(bench: Bench) -> None:
    source = bench.attach(Image.new("1", (3000, 3000)))
    with pytest.raises(TooLarge, match=r"the limit is 7,575,757\..* choose model realesr-animevideov3"):
        bench.run(source, scale=2, model="RealESRGAN_x4plus")


def test_a_damaged_picture_is_refused(bench: Bench) -> None:
    whole = bench.attach(Image.effect_noise((64, 64), 90))
    cut = keep(whole.path.read_bytes()[:-2000], bench.folder / "media")
    with pytest.raises(BadInput, match="image is damaged"):
        bench.run(cut)


def test_a_sound_is_refused(bench: Bench) -> None:
    clip(bench.folder)
    sound = keep(bench.folder / "tone.wav", bench.folder / "media")
    with pytest.raises(BadInput, match="image must be a picture"):
        bench.run(sound)


def test_without_any_network_it_is_bicubic_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_WEIGHTS", str(tmp_path / "none"))
    bench = Bench(TASK, tmp_path)
    source = bench.attach(halves())
    result = bench.run(source)
    assert result.facts["model"] == "bicubic"
    assert "bicubic interpolation" in str(result.notes[0])
    plain = halves().resize((96, 64), Image.Resampling.BICUBIC)
    assert (np.asarray(Image.open(io.BytesIO(result.media[0].path.read_bytes()))) == np.asarray(plain)).all()
