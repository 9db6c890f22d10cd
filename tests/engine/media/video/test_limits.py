"""An FFmpeg that reads a person's file: bounded in pixels of a frame and in memory, whatever the file says."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ffmpeg
import numpy as np
import pytest

from engine.core.errors import BadInput, TooLarge
from engine.core.job import Media
from engine.media import decoding
from engine.media.decoding import set_max_pixels
from engine.media.files import keep
from engine.media.video import (
    FONTS,
    CancelOrTimeout,
    Stream,
    ffmpeg_path,
    h264,
    limits,
    probe,
    read_frames,
    run_pipeline,
    write_frames,
)
from engine.media.video.child import run_child
from engine.tasks.subtitle.drawing.render import FONTCONFIG, Renderer
from engine.tasks.subtitle.drawing.typefaces import load_typefaces
from engine.weights.registry import weights_folder
from tests.timing import HANG_SECONDS


@pytest.fixture(autouse=True)
def bound() -> Iterator[None]:
    before = decoding.max_frame_pixels()
    yield
    set_max_pixels(before)


def growing_video(folder: Path, side: int, suffix: str) -> Media:
    """Three frames of 64 x 64, then three of `side` x `side`."""
    parts = []
    for size in (64, side):
        path = folder / f"{size}.{suffix}"
        source = f"color=gray:s={size}x{size}:r=10"
        command = ["-f", "lavfi", "-i", source, "-frames:v", "3", "-c:v", "libx264", "-preset", "ultrafast"]
        subprocess.run(
            [ffmpeg_path(), "-v", "error", *command, "-f", "h264", str(path)], check=True, timeout=HANG_SECONDS
        )
        parts.append(path.read_bytes())
    (folder / "joined.h264").write_bytes(b"".join(parts))
    made = folder / f"joined.{suffix}"
    joined = ["-f", "h264", "-r", "10", "-i", str(folder / "joined.h264"), "-c", "copy", str(made)]
    subprocess.run([ffmpeg_path(), "-v", "error", *joined], check=True, timeout=HANG_SECONDS)
    return keep(made, folder / "media")


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_a_video_that_grows_over_the_limit_is_refused_on_every_path(suffix: str, tmp_path: Path) -> None:
    sent = growing_video(tmp_path, 2000, suffix)
    set_max_pixels(1_000_000)
    (tmp_path / FONTS).write_text(FONTCONFIG)
    (tmp_path / "fonts").mkdir()
    with pytest.raises(TooLarge, match=r"larger than its header says|frames are 2000 x 2000"):
        for _ in read_frames(sent.path, sent.mime, Stream("h264", 64, 64, 10, 6), CancelOrTimeout()):
            pass
    renderer = Renderer(tmp_path, CancelOrTimeout(), load_typefaces(weights_folder(Path("data"))))
    with pytest.raises(TooLarge, match="larger than its header says"):
        renderer.burn(sent, "[Script Info]\nScriptType: v4.00+\n", lambda _: None)


def test_a_video_that_grows_is_not_silently_cut_short(tmp_path: Path) -> None:
    sent = growing_video(tmp_path, 1200, "mkv")
    with pytest.raises(TooLarge, match="larger than its header says"):
        for _ in read_frames(sent.path, sent.mime, Stream("h264", 64, 64, 10, 6), CancelOrTimeout()):
            pass


def test_the_owners_limit_reaches_the_probe(tmp_path: Path) -> None:
    sent = growing_video(tmp_path, 2000, "mkv")
    assert probe(sent.path, sent.mime).video is not None
    set_max_pixels(1_000_000)
    with pytest.raises((TooLarge, BadInput)):
        probe(sent.path, sent.mime)


def test_an_ffmpeg_that_needs_too_much_memory_stops_with_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    large: Any = ffmpeg.input("color=gray:s=12000x9000:r=10:d=1", f="lavfi").filter("scale", 6000, 4500)
    asked = large.output("pipe:", f="null", pix_fmt="rgb24")
    run_pipeline(ffmpeg.input("color=gray:s=64x64:r=10:d=1", f="lavfi").output("pipe:", f="null"), CancelOrTimeout())
    monkeypatch.setattr(limits, "MAX_CHILD_BYTES", 100 * 2**20)
    with pytest.raises(TooLarge, match="needs too much memory"):
        run_pipeline(asked, CancelOrTimeout())


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits the memory of a child")
def test_a_child_that_is_fed_frames_has_limited_memory_since_it_may_read_a_users_sound() -> None:
    with run_child([sys.executable, "-c", "input()"], CancelOrTimeout(), feed=True) as child:
        assert resource.prlimit(child.process.pid, resource.RLIMIT_DATA)[0] == limits.MAX_CHILD_BYTES
        child.stdin.write(b"\n")
        child.stdin.close()


def test_an_encoder_that_needs_too_much_memory_stops_with_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ffmpeg_path()  # chosen while its trials have enough memory
    frames = (np.zeros((2160, 3840, 3), np.uint8) for _ in range(100))
    monkeypatch.setattr(limits, "MAX_CHILD_BYTES", 250 * 2**20)
    with pytest.raises(TooLarge, match="needs too much memory"):
        write_frames(frames, tmp_path / "a.mp4", 25, CancelOrTimeout())


def test_the_largest_frames_are_encoded_within_the_limit_on_any_number_of_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """x264 starts three threads for every two cores, and each holds frames of its own."""
    monkeypatch.setattr(h264, "_default_threads", lambda: 192)
    frames = (np.zeros((2160, 3840, 3), np.uint8) for _ in range(20))
    write_frames(frames, tmp_path / "a.mp4", 25, CancelOrTimeout())
    found = probe(tmp_path / "a.mp4", "video/mp4").video
    assert found
    assert found.frames == 20
