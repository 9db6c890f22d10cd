"""What a recording contains, as the program `describe` reads it from files that FFmpeg makes."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import imageio_ffmpeg
import pytest
from PIL import Image

from engine.core.errors import BadInput, Cancelled, TimedOut
from engine.media.video import CancelOrTimeout, probe, read_frames
from engine.media.video.description import describe

PICTURES = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=2"]
TONE = ["-f", "lavfi", "-i", "sine=duration=2"]


def run_ffmpeg(path: Path, *options: str) -> Path:
    """Make a file with the packaged FFmpeg, whichever one reads it."""
    packaged = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"]
    subprocess.run([*packaged, *options, str(path)], check=True, timeout=60)
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return two seconds of video with B-frames and one key frame, and sound."""
    return run_ffmpeg(tmp_path_factory.mktemp("clip") / "a.mp4", *PICTURES, *TONE, "-pix_fmt", "yuv420p")


@pytest.mark.parametrize("rotation", ["45", "90", "180", "270"])
def test_only_a_quarter_turn_swaps_the_sides_as_in_what_ffmpeg_decodes(
    rotation: str, clip: Path, tmp_path: Path
) -> None:
    turned = run_ffmpeg(tmp_path / "a.mp4", "-display_rotation", rotation, "-i", str(clip), "-c", "copy")
    stream = probe(turned, "video/mp4").video
    assert stream
    size = (48, 64) if rotation in {"90", "270"} else (64, 48)
    assert (stream.width, stream.height) == size
    assert decoded_size(turned, tmp_path) == size


def decoded_size(path: Path, folder: Path) -> tuple[int, int]:
    """Return the width and height of the first picture that FFmpeg decodes, upright as players show it."""
    with Image.open(run_ffmpeg(folder / "first.png", "-i", str(path), "-frames:v", "1")) as first:
        return first.size


def test_frames_that_an_edit_list_cuts_are_not_counted(clip: Path, tmp_path: Path) -> None:
    cut = run_ffmpeg(tmp_path / "cut.mp4", "-ss", "0.7", "-i", str(clip), "-c", "copy")
    found = probe(cut, "video/mp4")
    assert found.video
    assert found.video.frames == 13
    assert len(list(read_frames(cut, "video/mp4", found.video, CancelOrTimeout()))) == 13
    assert found.seconds == pytest.approx(1.3, abs=0.05)


@pytest.mark.parametrize("offset", ["1.5", "-0.3"])
def test_the_length_counts_from_the_first_picture_or_sound(offset: str, clip: Path, tmp_path: Path) -> None:
    late = run_ffmpeg(tmp_path / "a.mkv", "-itsoffset", offset, "-i", str(clip), "-c", "copy")
    assert probe(late, "video/x-matroska").seconds == pytest.approx(2, abs=0.03)


def test_a_file_that_states_no_length_is_as_long_as_its_contents(clip: Path, tmp_path: Path) -> None:
    piped = run_ffmpeg(tmp_path / "a", "-i", str(clip), "-c", "copy", "-f", "matroska", "-live", "1")
    found = probe(piped, "video/x-matroska")
    assert found.seconds == pytest.approx(2, abs=0.03)
    assert found.video
    assert (found.video.frames, found.video.rate) == (20, 10)


def test_a_changing_frame_rate_is_averaged(tmp_path: Path) -> None:
    late = ["-vf", r"setpts=PTS+gt(N\,9)*2/TB", "-fps_mode", "vfr"]
    found = probe(run_ffmpeg(tmp_path / "a.mp4", *PICTURES, *late), "video/mp4")
    assert found.video
    assert found.video.frames == 20
    assert found.video.rate == pytest.approx(5, abs=0.1)
    assert found.seconds == pytest.approx(4, abs=0.05)


def test_tags_in_an_unknown_encoding_are_no_damage(clip: Path, tmp_path: Path) -> None:
    tagged = run_ffmpeg(tmp_path / "a.mkv", "-i", str(clip), "-c", "copy", "-metadata", "title=abcdefgh")
    tagged.write_bytes(tagged.read_bytes().replace(b"abcdefgh", b"\xff\xfe\xe9\x80\x81\xe1\xe2\xe3"))
    assert probe(tagged, "video/x-matroska").video


def test_the_default_sound_is_preferred_and_commentaries_come_last(tmp_path: Path) -> None:
    sounds = [*PICTURES, *TONE, *TONE, *TONE, "-map", "0", "-map", "1", "-map", "2", "-map", "3"]
    for marks, index in ((["comment", "0", "default"], 3), (["comment", "0", "0"], 2), (["0", "0", "0"], 1)):
        flags = [word for at, mark in enumerate(marks) for word in (f"-disposition:a:{at}", mark)]
        found = probe(run_ffmpeg(tmp_path / "a.mkv", *sounds, *flags), "video/x-matroska").sound
        assert found
        assert (found.index, found.count, found.place) == (index, 3, index)


@pytest.mark.parametrize(("channels", "layout"), [(1, "mono"), (2, "stereo"), (6, "5.1"), (10, "10 channels")])
def test_channels_without_positions_have_those_that_ffmpeg_assumes(channels: int, layout: str, tmp_path: Path) -> None:
    """In a WAV of more than two channels, a mask at byte 40 gives the positions (WAVEFORMATEXTENSIBLE)."""
    silent = ["-f", "lavfi", "-i", f"aevalsrc={'|'.join('0' * channels)}:d=0.1"]
    path = run_ffmpeg(tmp_path / "a.wav", *silent)
    if channels > 2:
        whole = path.read_bytes()
        path.write_bytes(whole[:40] + bytes(4) + whole[44:])
    found = probe(path, "audio/wav").sound
    assert found
    assert found.layout == layout


@pytest.mark.parametrize(("kept", "changed"), [(b"V_MPEG4/ISO/AVC", b"V_MPEG4/ISO/XYZ"), (b"A_AAC", b"A_XYZ")])
def test_a_stream_of_an_unknown_codec_does_not_hide_the_other_one(
    kept: bytes, changed: bytes, clip: Path, tmp_path: Path
) -> None:
    path = run_ffmpeg(tmp_path / "a.mkv", "-i", str(clip), "-c", "copy")
    path.write_bytes(path.read_bytes().replace(kept, changed))
    found = probe(path, "video/x-matroska")
    assert (found.video is None, found.sound is None) == (kept.startswith(b"V"), kept.startswith(b"A"))


def test_sound_without_channels_is_no_sound(tmp_path: Path) -> None:
    path = run_ffmpeg(tmp_path / "a.mkv", *PICTURES, *TONE, "-c:a", "libvorbis")
    path.write_bytes(path.read_bytes().replace(b"\x01vorbis", b"\x00vorbis").replace(b"\x9f\x81\x01", b"\x9f\x81\x00"))
    found = probe(path, "video/x-matroska")
    assert found.video
    assert found.sound is None


def test_text_as_flac_is_refused(tmp_path: Path) -> None:
    """FFmpeg's demuxer of FLAC takes any file, and finds neither a sample rate nor channels in this one."""
    (tmp_path / "a.flac").write_text("#EXTM3U\n" * 20)
    with pytest.raises(BadInput, match="no readable audio"):
        probe(tmp_path / "a.flac", "audio/flac")


def test_it_runs_apart_from_our_process(clip: Path) -> None:
    check = (
        "import sys; from pathlib import Path; from engine.media.video import probe;"
        f"assert probe(Path({str(clip)!r}), 'video/mp4').video;"
        "loaded = {'av', 'cv2', 'torch', 'numpy', 'onnxruntime'} & set(sys.modules); assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", check], check=True, timeout=60)


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """Return a file that never ends: a pipe into which nothing is written."""
    os.mkfifo(tmp_path / "a.mp4")
    return tmp_path / "a.mp4"


def test_a_cancel_ends_it(endless: Path) -> None:
    watch = CancelOrTimeout()
    threading.Timer(0.3, watch.cancelled.set).start()
    with pytest.raises(Cancelled):
        describe(endless, "video/mp4", watch)


def test_it_ends_when_its_time_is_over(endless: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(TimedOut, match="longer than 1 s"):
        describe(endless, "video/mp4", CancelOrTimeout(seconds=1))
    assert time.monotonic() - begun < 30
