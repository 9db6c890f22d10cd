"""Pictures of every kind come out as they are shown: in shape, in colour and in time, read, written and subtitled."""

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.core.job import Media
from engine.media.files import keep
from engine.media.video import (
    CancelOrTimeout,
    conversion_notes,
    ffmpeg_path,
    probe,
    read_frames,
    with_dimensions,
    write_frames,
)
from engine.tasks.subtitle.cues import Cue, Word
from engine.tasks.subtitle.drawing.render import Renderer, isolate_fonts
from engine.tasks.subtitle.drawing.styles import SubtitleStyle, format_ass
from engine.tasks.subtitle.drawing.typefaces import load_typefaces
from engine.weights.registry import weights_folder
from tests.timing import HANG_SECONDS

Picture = NDArray[np.uint8]

PATCHES = np.array(
    [[235, 235, 235], [128, 128, 128], [20, 20, 20], [200, 40, 40], [40, 180, 60], [50, 60, 200], [230, 200, 60]],
    np.float64,
)
SIDE = 32
COUNT, RATE = 5, 10


def patches(colours: "NDArray[np.float64]", height: int = SIDE * 2) -> "NDArray[np.float64]":
    """Vertical bars of these colours, each SIDE wide."""
    return np.repeat(np.repeat(colours[None], SIDE, axis=1), height, axis=0)


def encode_patches(path: Path, colours: "NDArray[np.float64]", *options: str, height: int = SIDE * 2) -> Path:
    """A video of bars; `colours` are 0 to 255. It is made from 16-bit RGB, so that 10 bits are not invented."""
    picture = (patches(colours, height) / 255 * 65535).round().astype("<u2")
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb48le", "-s", f"{picture.shape[1]}x{height}", "-r", str(RATE), "-i", "-"]
    command = [ffmpeg_path(), "-v", "error", "-y", *raw, *options, f"file:{path}"]
    subprocess.run(command, input=picture.tobytes() * COUNT, check=True, timeout=HANG_SECONDS)
    return path


def mime_of(path: Path) -> str:
    return {".mp4": "video/mp4", ".mkv": "video/x-matroska", ".mov": "video/quicktime", ".webm": "video/webm"}[
        path.suffix
    ]


def decode_frames(path: Path) -> list[Picture]:
    found = probe(path, mime_of(path)).video
    assert found
    return list(read_frames(path, mime_of(path), found, CancelOrTimeout()))


def reencode(path: Path) -> list[Picture]:
    """The frames of the video once it was read and written again, as /upscale and /faceswap do."""
    found = probe(path, mime_of(path)).video
    assert found
    again = path.with_name("again.mp4")
    write_frames(read_frames(path, mime_of(path), found, CancelOrTimeout()), again, found.rate, CancelOrTimeout())
    return decode_frames(again)


def burn_subtitles(path: Path, text: str = "") -> list[Picture]:
    """The frames of the video with subtitles burnt in, which say nothing where `text` is empty."""
    found = probe(path, mime_of(path)).video
    assert found
    cues = [Cue(0.0, 9.0, ((Word(text, 0.0, 9.0),),))] if text else []
    fonts = load_typefaces(weights_folder(Path("data")))
    drawn = format_ass(cues, SubtitleStyle("plain", found.width, found.height, size=15), fonts)
    media = keep(path.read_bytes(), path.parent / "media", path.suffix)
    with TemporaryDirectory(dir=path.parent) as place:
        isolate_fonts(Path(place))
        made = Renderer(Path(place), CancelOrTimeout(), fonts).burn(media, drawn, lambda _: None)
        return decode_frames(made)


WAYS = [decode_frames, reencode, burn_subtitles]


def bars(picture: Picture) -> "NDArray[np.float64]":
    """The colour of the middle of each bar."""
    width = picture.shape[1] / len(PATCHES)
    middle = picture.shape[0] // 2
    spots = [picture[middle - 8 : middle + 8, int(width * (at + 0.35)) : int(width * (at + 0.65))] for at in range(7)]
    return np.array([spot.mean((0, 1)) for spot in spots])


X264 = ["-c:v", "libx264", "-crf", "4"]
SD = ["-vf", "scale=out_color_matrix=bt601:out_range=tv", "-pix_fmt", "yuv420p"]
HD = ["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-pix_fmt", "yuv420p"]
TAGGED_709 = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]
TAGGED_601 = ["-colorspace", "smpte170m", "-color_primaries", "smpte170m", "-color_trc", "smpte170m"]
FULL = ["-vf", "scale=out_color_matrix=bt709:out_range=pc", "-pix_fmt", "yuvj420p", "-colorspace", "bt709"]
DEEP = ["-vf", "scale=out_color_matrix=bt709:out_range=tv", *TAGGED_709]
KINDS: dict[str, tuple[str, list[str], int]] = {
    "untagged and small, which is BT.601": ("a.mp4", [*X264, *SD], 64),
    "untagged and large, which is BT.709": ("a.mp4", [*X264, *HD], 720),
    "tagged BT.709 and small": ("a.mp4", [*X264, *HD, *TAGGED_709], 64),
    "tagged BT.601 and large": ("a.mp4", [*X264, *SD, *TAGGED_601], 720),
    "full range": ("a.mp4", [*X264, *FULL, "-color_range", "pc"], 64),
    "4:2:2 in 10 bits": ("a.mp4", [*X264, *DEEP, "-pix_fmt", "yuv422p10le"], 64),
    "4:4:4": ("a.mp4", [*X264, *DEEP, "-pix_fmt", "yuv444p"], 64),
    "ProRes in 10 bits": ("a.mov", ["-c:v", "prores_ks", *DEEP, "-pix_fmt", "yuv422p10le"], 720),
    "RGB": ("a.mkv", ["-c:v", "ffv1", "-pix_fmt", "gbrp"], 64),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
def test_colours_are_kept(way: object, kind: str, tmp_path: Path) -> None:
    name, options, height = KINDS[kind]
    path = encode_patches(tmp_path / name, PATCHES, *options, height=height)
    found = way(path)  # type: ignore[operator]  # one of three functions
    assert len(found) == COUNT
    assert np.abs(bars(found[2]) - PATCHES).max() <= 5


def pq(nits: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """The signal, 0 to 1, of a brightness (SMPTE ST 2084)."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = (nits / 10000) ** m1
    return np.asarray(((c1 + c2 * power) / (1 + c3 * power)) ** m2)


def hlg(scene: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """The signal, 0 to 1, of light in the scene, 0 to 1 (ITU-R BT.2100)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    high = a * np.log(np.maximum(12 * scene - b, 1e-9)) + c
    return np.asarray(np.where(scene <= 1 / 12, np.sqrt(3 * scene), high))


def to_2020(linear: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Linear light of BT.709 in BT.2020's primaries (ITU-R BT.2087)."""
    matrix = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
    return np.asarray(linear @ matrix.T)


def hdr(path: Path, signal: "NDArray[np.float64]", transfer: str) -> Path:
    tags = f"log-level=error:lossless=1:colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc:range=limited"
    options = ["-vf", "scale=out_color_matrix=bt2020:out_range=tv", "-pix_fmt", "yuv420p10le", "-tag:v", "hvc1"]
    return encode_patches(path, signal * 255, *options, "-c:v", "libx265", "-x265-params", tags)


NITS = np.array([0.0, 5, 25, 50, 100, 203, 1000])


@pytest.mark.parametrize("way", WAYS)
def test_hdr_is_as_bright_as_sdr(way: object, tmp_path: Path) -> None:
    """Below the highlights as bright as its nits say, by 203 for white; the brightest stays apart from white paper."""
    path = hdr(tmp_path / "a.mp4", np.repeat(pq(NITS)[:, None], 3, axis=1), "smpte2084")
    (picture, *_) = way(path)  # type: ignore[operator]  # one of three functions
    grey = bars(picture)
    assert np.ptp(grey, axis=1).max() <= 3
    level = grey.mean(1)
    wanted = 255 * (NITS[:5] / 203) ** (1 / 2.4)
    assert np.abs(level[:5] - wanted).max() <= 6
    assert 220 <= level[5] <= 245
    assert 250 <= level[6] <= 255


@pytest.mark.parametrize("way", WAYS)
def test_hdr_has_the_colours_of_sdr(way: object, tmp_path: Path) -> None:
    linear = (PATCHES / 255) ** 2.4
    path = hdr(tmp_path / "a.mp4", pq(to_2020(linear) * 120), "smpte2084")
    (picture, *_) = way(path)  # type: ignore[operator]  # one of three functions
    wanted = 255 * (linear * 120 / 203) ** (1 / 2.4)
    assert np.abs(bars(picture) - wanted).max() <= 8


def test_hlg_white_is_white(tmp_path: Path) -> None:
    """75 percent of HLG is the white of paper (ITU-R BT.2408)."""
    signal = np.array([0.0, 0.2, 0.4, 0.5, 0.6, 0.75, 1.0])
    level = bars(decode_frames(hdr(tmp_path / "a.mp4", np.repeat(signal[:, None], 3, axis=1), "arib-std-b67"))[0]).mean(
        1
    )
    assert level[0] <= 3
    assert (np.diff(level) > 5).all()
    assert 215 <= level[5] <= 245


def test_letters_in_hdr_are_white(tmp_path: Path) -> None:
    path = hdr(tmp_path / "a.mp4", np.repeat(pq(NITS * 0 + 20)[:, None], 3, axis=1), "smpte2084")
    picture, *_ = burn_subtitles(path, "WWWW")
    assert picture.max() >= 250
    assert [note.template for note in conversion_notes(probe(path, "video/mp4"))] == [
        "The video is HDR ({name}). The result is SDR, which every player shows."
    ]


def test_the_result_has_the_right_colour_tags(tmp_path: Path) -> None:
    path = hdr(tmp_path / "a.mp4", np.repeat(pq(NITS)[:, None], 3, axis=1), "smpte2084")
    reencode(path)
    found = probe(tmp_path / "again.mp4", "video/mp4").video
    assert found
    tags = (found.colours.matrix, found.colours.primaries, found.colours.transfer, found.colours.layout)
    assert tags == ("bt709", "bt709", "bt709", "yuv420p")


def test_wide_gamut_colours_without_hdr_become_bt709(tmp_path: Path) -> None:
    linear = (PATCHES / 255) ** 2.4
    tags = ["-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc", "bt709", "-color_range", "tv"]
    options = [*X264, "-vf", "scale=out_color_matrix=bt2020:out_range=tv", "-pix_fmt", "yuv420p10le", *tags]
    path = encode_patches(tmp_path / "a.mp4", 255 * to_2020(linear) ** (1 / 2.4), *options)
    assert np.abs(bars(decode_frames(path)[0]) - PATCHES).max() <= 8
    assert conversion_notes(probe(path, "video/mp4")) == ()


@pytest.mark.parametrize(("stretch", "size"), [("4/3", (299, 64)), ("3/4", (224, 85)), ("1/100", (224, 64))])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_pixels_become_square(stretch: str, size: tuple[int, int], name: str, tmp_path: Path) -> None:
    """A side grows, so that nothing is lost; what no pixel looks like is a mistake in the file."""
    path = encode_patches(tmp_path / name, PATCHES, *X264, "-vf", f"setsar={stretch}", "-pix_fmt", "yuv420p")
    found = probe(path, mime_of(path)).video
    assert found
    assert (found.width, found.height) == size
    for way in (decode_frames, reencode, burn_subtitles):
        picture = way(path)[0]
        assert abs(picture.shape[1] - size[0]) <= 1
        assert abs(picture.shape[0] - size[1]) <= 1
        assert np.abs(bars(picture) - PATCHES).max() <= 8
    made = probe(tmp_path / "again.mp4", "video/mp4").video
    assert made
    assert made.coded == (made.width, made.height)


def test_a_turned_picture_has_square_pixels_too(tmp_path: Path) -> None:
    """Pixels of 4:3, turned by 90 degrees: the file's matrix (ISO/IEC 14496-12, 8.3.2) is written by hand."""
    path = encode_patches(tmp_path / "a.mp4", PATCHES, *X264, "-vf", "setsar=4/3", "-pix_fmt", "yuv420p")
    whole = path.read_bytes()
    upright = b"".join(number.to_bytes(4, "big", signed=True) for number in (65536, 0, 0, 0, 65536, 0, 0, 0, 2**30))
    turned = b"".join(number.to_bytes(4, "big", signed=True) for number in (0, 65536, 0, -65536, 0, 0, 0, 0, 2**30))
    at = whole.index(upright, whole.index(b"tkhd"))
    path.write_bytes(whole[:at] + turned + whole[at + len(turned) :])
    found = probe(path, "video/mp4").video
    assert found
    assert (found.width, found.height) == (64, 299)
    assert decode_frames(path)[0].shape == (299, 64, 3)
    assert burn_subtitles(path)[0].shape == (300, 64, 3)


def test_interlaced_fields_become_frames(tmp_path: Path) -> None:
    """A bar that moves by 16 pixels from field to field leaves no comb."""
    source = tmp_path / "a.mp4"
    command = [ffmpeg_path(), "-v", "error", "-f", "lavfi", "-i", "nullsrc=s=192x96:r=20:d=1", "-vf"]
    drawn = "geq=lum='if(between(X,N*8,N*8+31),235,16)':cb=128:cr=128,interlace=scan=tff:lowpass=off"
    subprocess.run(
        [*command, drawn, "-c:v", "libx264", "-flags", "+ilme+ildct", "-pix_fmt", "yuv420p", str(source)], check=True
    )
    found = probe(source, "video/mp4").video
    assert found
    assert found.colours.is_interlaced
    for way in (decode_frames, reencode, burn_subtitles):
        picture = way(source)[5][..., 1].astype(int)
        comb = np.abs(picture[1:-1:2] - (picture[:-2:2] + picture[2::2]) / 2).mean()
        assert comb < 3


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mov", ["-c:v", "prores_ks", "-profile:v", "4444", "-pix_fmt", "yuva444p10le"]),
        ("a.webm", ["-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0", "-b:v", "2M"]),
        ("a.mkv", ["-c:v", "ffv1", "-pix_fmt", "bgra"]),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_transparent_video_becomes_black(way: object, name: str, options: list[str], tmp_path: Path) -> None:
    half = "format=rgba64le,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='65535*gt(Y,32)'"
    path = encode_patches(tmp_path / name, PATCHES, "-vf", half, *options)
    picture = way(path)[1]  # type: ignore[operator]  # one of three functions
    assert picture[:24].max() <= 12
    assert np.abs(bars(picture[32:]) - PATCHES).max() <= 12
    assert [note.template for note in conversion_notes(probe(path, mime_of(path)))] == [
        "Transparent parts of the video are black in the result."
    ]


@pytest.mark.parametrize("way", WAYS)
def test_a_variable_rate_keeps_its_times(way: object, tmp_path: Path) -> None:
    """Twenty frames in the first second, then five in the next: grey levels tell when each is shown."""
    source = tmp_path / "a.mkv"
    drawn = "geq=lum='40+N*6':cb=128:cr=128,setpts='if(lt(N,20),N/20,1+(N-20)/5)/TB'"
    command = [ffmpeg_path(), "-v", "error", "-f", "lavfi", "-i", "nullsrc=s=64x64:r=25:d=1", "-vf", drawn]
    times = ["-fps_mode", "vfr", "-enc_time_base", "1:1000"]
    subprocess.run([*command, *times, "-c:v", "libx264", "-bf", "0", str(source)], check=True)
    found = probe(source, "video/x-matroska")
    assert found.video
    pictures = way(source)  # type: ignore[operator]  # one of three functions
    if way is not burn_subtitles:  # whose own rate is another
        assert len(pictures) / found.video.rate == pytest.approx(2, abs=0.25)
    levels = [float(picture.mean()) for picture in pictures]
    middle = levels[len(levels) // 2]
    assert middle == pytest.approx(levels[0] + (levels[-1] - levels[0]) * 20 / 24, abs=12)


def test_a_cover_before_the_video_is_not_the_video(tmp_path: Path) -> None:
    video = encode_patches(tmp_path / "a.mp4", PATCHES, *X264, "-pix_fmt", "yuv420p")
    cover = tmp_path / "cover.png"
    subprocess.run(
        [ffmpeg_path(), "-v", "error", "-f", "lavfi", "-i", "color=red:s=30x20", "-frames:v", "1", str(cover)],
        check=True,
    )
    both = tmp_path / "both.mp4"
    maps = ["-map", "0", "-map", "1", "-c", "copy", "-disposition:v:0", "attached_pic"]
    subprocess.run([ffmpeg_path(), "-v", "error", "-i", str(cover), "-i", str(video), *maps, str(both)], check=True)
    for way in (decode_frames, reencode, burn_subtitles):
        assert np.abs(bars(way(both)[0]) - PATCHES).max() <= 5


def test_media_are_described_as_displayed(tmp_path: Path) -> None:
    path = encode_patches(tmp_path / "a.mp4", PATCHES, *X264, "-vf", "setsar=4/3", "-pix_fmt", "yuv420p")
    media = keep(path.read_bytes(), tmp_path / "media")
    told: Media = with_dimensions(media, probe(media.path, media.mime))
    assert (told.width, told.height) == (299, 64)
