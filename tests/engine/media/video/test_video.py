"""The door to FFmpeg, with the real FFmpeg on recordings that it makes itself."""

import itertools
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest

from engine.core.errors import BadInput, Cancelled, TimedOut, TooLarge
from engine.media.video import (
    CancelOrTimeout,
    FFmpegFailed,
    ProbeLimits,
    ffmpeg_path,
    open_input,
    probe,
    read_frames,
    run_pipeline,
    write_frames,
)
from tests.timing import HANG_SECONDS

WIDTH, HEIGHT, RATE = 64, 48, 10


def make_video(path: Path, *options: str, seconds: float = 1.0) -> Path:
    """A test picture that moves, with a tone."""
    picture = f"testsrc=size={WIDTH}x{HEIGHT}:rate={RATE}"
    inputs = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine"]
    subprocess.run(
        [ffmpeg_path(), "-v", "error", "-y", *inputs, "-t", str(seconds), *options, f"file:{path}"],
        check=True,
        timeout=HANG_SECONDS,
    )
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_video(tmp_path_factory.mktemp("video") / "clip.mp4", "-pix_fmt", "yuv420p")


@pytest.mark.parametrize(
    ("name", "mime", "video", "sound"),
    [
        ("a.mp4", "video/mp4", True, True),
        ("a.mkv", "video/x-matroska", True, True),
        ("a.webm", "video/webm", True, True),
        ("a.mov", "video/quicktime", True, True),
        ("a.avi", "video/x-msvideo", True, True),
        ("a.gif", "image/gif", True, False),
        ("a.mp3", "audio/mpeg", False, True),
        ("a.ogg", "audio/ogg", False, True),
        ("a.wav", "audio/wav", False, True),
        ("a.flac", "audio/flac", False, True),
        ("a.m4a", "audio/mp4", False, True),
        ("a.aac", "audio/aac", False, True),
    ],
)
def test_a_recording_is_probed(name: str, mime: str, video: bool, sound: bool, tmp_path: Path) -> None:
    found = probe(make_video(tmp_path / name, *([] if video else ["-vn"])), mime)
    assert found.seconds == pytest.approx(1, abs=0.15)
    assert bool(found.video) == video
    assert bool(found.sound) == sound
    if found.video:
        assert (found.video.width, found.video.height) == (WIDTH, HEIGHT)
        assert (found.video.rate, found.video.frames) == (RATE, RATE)


@pytest.mark.parametrize(
    ("rate", "count", "name", "options", "seconds"),
    [
        ("30", 60, "a.mp4", [], 2.0),
        ("30", 61, "a.mp4", [], 61 / 30),
        ("30000/1001", 61, "a.mp4", [], 61 * 1001 / 30000),
        ("25", 40, "a.mkv", ["-x264-params", "bframes=8:b-pyramid=2"], 1.6),
        ("30", 60, "a.mp4", ["-bf", "0"], 2.0),
        ("30", 1, "a.mp4", [], 1 / 30),
        ("30", 60, "a.mp4", ["-vf", "setpts=PTS+gt(N\\,30)*0.5/TB", "-fps_mode", "vfr"], 2.5),
    ],
)
def test_a_video_ends_when_its_last_frame_does(  # noqa: PLR0917  # of parametrize
    rate: str, count: int, name: str, options: list[str], seconds: float, tmp_path: Path
) -> None:
    """B-frames are decoded in another order than they are shown in; FFmpeg reports up to the last one decoded."""
    path = tmp_path / name
    source = ["-f", "lavfi", "-i", f"testsrc=size=64x48:rate={rate}", "-frames:v", str(count), "-c:v", "libx264"]
    subprocess.run([ffmpeg_path(), "-v", "error", *source, *options, str(path)], check=True, timeout=HANG_SECONDS)
    found = probe(path, "video/mp4" if path.suffix == ".mp4" else "video/x-matroska")
    assert found.seconds == pytest.approx(seconds, abs=0.005)


@pytest.mark.parametrize("sounding", [1.0, 3.0])
def test_a_video_is_as_long_as_the_longer_of_its_pictures_and_its_sound(sounding: float, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    picture, sound = "testsrc=size=64x48:rate=30:duration=2", f"sine=duration={sounding}"
    inputs = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, "-c:v", "libx264"]
    subprocess.run([ffmpeg_path(), "-v", "error", *inputs, str(path)], check=True, timeout=HANG_SECONDS)
    assert probe(path, "video/mp4").seconds == pytest.approx(max(2.0, sounding), abs=0.03)


def test_chapters_and_tags_hide_no_stream_and_are_no_errors(tmp_path: Path) -> None:
    chapters = "".join(f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={n}\nEND={n + 1}\ntitle=Part {n}\n" for n in range(300))
    (tmp_path / "tags.txt").write_text(f";FFMETADATA1\ncomment=Cannot allocate memory\n{chapters}")
    path = tmp_path / "book.m4a"
    tone = ["-f", "lavfi", "-i", "sine=duration=1", "-i", str(tmp_path / "tags.txt"), "-map_metadata", "1"]
    subprocess.run([ffmpeg_path(), "-v", "error", *tone, "-c:a", "aac", str(path)], check=True)
    assert probe(path, "audio/mp4").sound is not None


def test_a_rotated_video_has_its_displayed_size(clip: Path, tmp_path: Path) -> None:
    turned = tmp_path / "turned.mp4"
    # The packaged FFmpeg makes it, whichever one reads it: -display_rotation came with FFmpeg 6.
    packaged = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error"]
    subprocess.run([*packaged, "-display_rotation", "90", "-i", str(clip), "-c", "copy", str(turned)], check=True)
    found = probe(turned, "video/mp4").video
    assert found
    assert (found.width, found.height) == (HEIGHT, WIDTH)
    assert next(read_frames(turned, "video/mp4", found, CancelOrTimeout())).shape == (WIDTH, HEIGHT, 3)


def test_a_video_with_odd_sides_comes_back_frame_by_frame(tmp_path: Path) -> None:
    noise = np.random.default_rng(0)
    pictures = [np.full((33, 51, 3), noise.integers(0, 255, 3), np.uint8) for _ in range(7)]
    write_frames(iter(pictures), tmp_path / "odd.mp4", 5, CancelOrTimeout())
    found = probe(tmp_path / "odd.mp4", "video/mp4")
    assert found.video
    back = list(read_frames(tmp_path / "odd.mp4", "video/mp4", found.video, CancelOrTimeout()))
    assert len(back) == 7
    for picture, again in zip(pictures, back, strict=True):
        assert np.abs(picture[2:30, 2:48].astype(int) - again[2:30, 2:48]).mean() < 4


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "aac"), ("a.webm", "aac")])
def test_the_sound_of_the_source_is_copied(name: str, codec: str, tmp_path: Path) -> None:
    source = make_video(tmp_path / name)
    mime = {"a.mp4": "video/mp4", "a.webm": "video/webm"}[name]
    found = probe(source, mime)
    assert found.video
    write_frames(
        read_frames(source, mime, found.video, CancelOrTimeout()),
        tmp_path / "b.mp4",
        RATE,
        CancelOrTimeout(),
        (source, mime, found),
    )
    again = probe(tmp_path / "b.mp4", "video/mp4")
    assert again.sound
    assert again.sound.codec == codec


def test_a_gif_keeps_its_transparency(tmp_path: Path) -> None:
    picture = np.zeros((20, 30, 4), np.uint8)
    picture[5:15, 5:25] = [200, 30, 30, 255]
    write_frames(iter([picture, np.flip(picture, 0)]), tmp_path / "a.gif", 5, CancelOrTimeout())
    found = probe(tmp_path / "a.gif", "image/gif").video
    assert found
    back = list(read_frames(tmp_path / "a.gif", "image/gif", found, CancelOrTimeout(), alpha=True))
    assert len(back) == 2
    assert back[0][0, 0, 3] == 0
    assert back[0][10, 15, 3] == 255


def endless() -> "Iterator[Any]":
    return itertools.repeat(np.zeros((HEIGHT, WIDTH, 3), np.uint8))


def cancel_soon(watch: CancelOrTimeout) -> None:
    threading.Timer(0.3, watch.cancelled.set).start()


def test_a_cancel_stops_an_encoder(tmp_path: Path) -> None:
    watch = CancelOrTimeout()
    cancel_soon(watch)
    with pytest.raises(Cancelled):
        write_frames(endless(), tmp_path / "a.mp4", RATE, watch)


def test_a_cancel_stops_a_silent_pipeline(tmp_path: Path) -> None:
    import ffmpeg

    watch = CancelOrTimeout()
    cancel_soon(watch)
    with pytest.raises(Cancelled):
        run_pipeline(ffmpeg.input("sine", f="lavfi", re=None).output(str(tmp_path / "a.wav")), watch)


def test_a_pipeline_over_its_time_limit_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(TimedOut, match=r"0\.2 s"):
        write_frames(endless(), tmp_path / "a.mp4", RATE, CancelOrTimeout(seconds=0.2))


def test_closing_the_frames_early_stops_ffmpeg(clip: Path) -> None:
    stream = probe(clip, "video/mp4").video
    assert stream
    before = set(threading.enumerate())
    reading = read_frames(clip, "video/mp4", stream, CancelOrTimeout())
    next(reading)
    reading.close()
    assert {thread for thread in set(threading.enumerate()) - before if not thread.daemon} == set()


def test_progress_comes_from_ffmpeg_itself(clip: Path, tmp_path: Path) -> None:
    heard: list[float] = []
    told = run_pipeline(open_input(clip, "video/mp4").output(str(tmp_path / "b.mp4")), CancelOrTimeout(), heard.append)
    assert heard[-1] == pytest.approx(1, abs=0.2)
    assert told["progress"] == "end"


def test_a_relative_path_works_for_a_pipeline_in_another_folder(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(clip.parent)
    run_pipeline(open_input(Path(clip.name), "video/mp4").output("b.mp4"), CancelOrTimeout(), folder=tmp_path)
    assert probe(tmp_path / "b.mp4", "video/mp4").video


def test_a_failed_pipeline_carries_ffmpegs_log(tmp_path: Path) -> None:
    with pytest.raises(FFmpegFailed, match="No such file"):
        run_pipeline(
            open_input(tmp_path / "absent.mp4", "video/mp4").output(str(tmp_path / "b.mp4")), CancelOrTimeout()
        )


@pytest.mark.parametrize("name", ["it's 50%, a:b\\c [d];e,f.mp4", "new\nline 😀 %03d.mp4"])
def test_a_file_with_any_name_is_read_and_written(name: str, clip: Path, tmp_path: Path) -> None:
    strange = tmp_path / name
    strange.write_bytes(clip.read_bytes())
    stream = probe(strange, "video/mp4").video
    assert stream
    again = tmp_path / f"again {name}"
    write_frames(read_frames(strange, "video/mp4", stream, CancelOrTimeout()), again, RATE, CancelOrTimeout())
    found = probe(again, "video/mp4").video
    assert found
    assert (found.width, found.height, found.rate, found.frames) == (WIDTH, HEIGHT, RATE, RATE)


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        (ProbeLimits(seconds=0.5), "1 s long; the limit is 0 s"),
        (ProbeLimits(frames=5), "10 frames; the limit is 5"),
        (ProbeLimits(pixels=100), "64 x 48 pixels; the limit is 100"),
    ],
)
def test_a_recording_over_a_limit_is_refused_with_the_limit(bounds: ProbeLimits, said: str, clip: Path) -> None:
    with pytest.raises(TooLarge, match=said):
        probe(clip, "video/mp4", bounds)


def test_a_cover_picture_is_not_a_video(tmp_path: Path) -> None:
    path = tmp_path / "cover.mp3"
    cover = ["-map", "1:a", "-map", "0:v", "-frames:v", "1", "-c:v", "png", "-disposition:v", "attached_pic"]
    make_video(path, *cover)
    found = probe(path, "audio/mpeg")
    assert found.sound
    assert found.video is None


def test_a_file_with_neither_sound_nor_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(100))
    with pytest.raises(BadInput, match="no readable audio or video"):
        probe(tmp_path / "a.mp4", "video/mp4")
