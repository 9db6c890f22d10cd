"""Sound of every kind is heard as a player plays it: the right track, at the right time, in one channel."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.core.errors import BadInput
from engine.media.files import keep
from engine.media.video import (
    CancelOrTimeout,
    ffmpeg_path,
    other_sound_notes,
    probe,
    read_frames,
    read_mono,
    write_frames,
)
from engine.tasks.subtitle.drawing.render import Renderer
from engine.tasks.subtitle.drawing.typefaces import load_typefaces
from engine.weights.registry import weights_folder
from tests.timing import HANG_SECONDS

RATE = 16000
Samples = NDArray[np.float32]


def make_recording(path: Path, *options: str) -> Path:
    subprocess.run([ffmpeg_path(), "-v", "error", "-y", *options, f"file:{path}"], check=True, timeout=HANG_SECONDS)
    return path


def tone(hertz: int, seconds: float = 2.0) -> list[str]:
    return ["-f", "lavfi", "-i", f"sine=frequency={hertz}:duration={seconds}"]


def picture(seconds: float = 2.0) -> list[str]:
    return ["-f", "lavfi", "-i", f"color=gray:s=64x48:r=10:d={seconds}"]


def mime_of(path: Path) -> str:
    return {
        ".mp4": "video/mp4",
        ".mkv": "video/x-matroska",
        ".mov": "video/quicktime",
        ".wav": "audio/wav",
        ".mp3": "audio/mpeg",
        ".flac": "audio/flac",
        ".ogg": "audio/ogg",
    }[path.suffix]


def read_sound(path: Path, rate: int = RATE) -> Samples:
    return read_mono(path, mime_of(path), rate, CancelOrTimeout())


def pitch(sound: Samples, rate: int = RATE) -> float:
    """The strongest frequency in hertz."""
    spectrum = np.abs(np.fft.rfft(sound))
    return float(np.argmax(spectrum) * rate / len(sound))


def power(sound: Samples) -> float:
    return float(np.mean(sound.astype(float) ** 2))


def start_of(sound: Samples) -> float:
    """The second in which it is first loud."""
    return float(np.argmax(np.abs(sound) > 0.02) / RATE)


def wave(path: Path, channels: "NDArray[np.float32]", *options: str, rate: int = RATE) -> Path:
    """A WAV of floats, or of what the options say; `channels` is (N, C)."""
    raw = ["-f", "f32le", "-ar", str(rate), "-ac", str(channels.shape[1]), "-i", "-"]
    command = [ffmpeg_path(), "-v", "error", "-y", *raw, *(options or ("-c:a", "pcm_f32le")), f"file:{path}"]
    subprocess.run(command, input=channels.astype("<f4").tobytes(), check=True, timeout=HANG_SECONDS)
    return path


def speech(seconds: float = 2.0, seed: int = 0) -> Samples:
    """Noise that comes and goes, as loud as speech."""
    count = int(seconds * RATE)
    swell = np.sin(np.arange(count) / RATE * 2 * np.pi * 3) ** 2
    return np.asarray(np.random.default_rng(seed).normal(0, 0.1, count) * swell, np.float32)


@pytest.mark.parametrize(
    ("marks", "hertz", "place"),
    [
        (["-disposition:a:0", "0", "-disposition:a:1", "default"], 880, 2),
        (["-disposition:a:0", "default", "-disposition:a:1", "0"], 440, 1),
        (["-disposition:a:0", "comment", "-disposition:a:1", "0"], 880, 2),
        (["-disposition:a:0", "0", "-disposition:a:1", "0"], 440, 1),
    ],
)
def test_the_track_that_players_choose_is_used(marks: list[str], hertz: int, place: int, tmp_path: Path) -> None:
    path = make_recording(
        tmp_path / "a.mkv",
        *picture(),
        *tone(440),
        *tone(880),
        "-map",
        "0",
        "-map",
        "1",
        "-map",
        "2",
        "-c:a",
        "flac",
        *marks,
    )
    assert pitch(read_sound(path)) == pytest.approx(hertz, abs=3)
    found = probe(path, "video/x-matroska")
    assert found.video
    write_frames(
        read_frames(path, "video/x-matroska", found.video, CancelOrTimeout()),
        tmp_path / "b.mp4",
        10,
        CancelOrTimeout(),
        (path, mime_of(path), found),
    )
    assert pitch(read_sound(tmp_path / "b.mp4")) == pytest.approx(hertz, abs=3)
    (note,) = other_sound_notes(found)
    assert str(note) == f"The file has 2 audio tracks. Track {place} was used, the one that players choose."


def test_one_track_needs_no_note(tmp_path: Path) -> None:
    assert other_sound_notes(probe(make_recording(tmp_path / "a.mp4", *picture(), *tone(440)), "video/mp4")) == ()


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.mov"])
@pytest.mark.parametrize("codec", ["aac", "flac"])
def test_a_sound_that_starts_late_stays_late(name: str, codec: str, tmp_path: Path) -> None:
    if (name, codec) == ("a.mov", "flac"):
        pytest.skip("MOV holds no FLAC")
    path = make_recording(tmp_path / name, *picture(4), "-itsoffset", "1.5", *tone(440), "-c:a", codec, "-strict", "-2")
    assert start_of(read_sound(path)) == pytest.approx(1.5, abs=0.03)
    found = probe(path, mime_of(path))
    assert found.video
    write_frames(
        read_frames(path, mime_of(path), found.video, CancelOrTimeout()),
        tmp_path / "b.mp4",
        10,
        CancelOrTimeout(),
        (path, mime_of(path), found),
    )
    assert start_of(read_sound(tmp_path / "b.mp4")) == pytest.approx(1.5, abs=0.05)


def test_pictures_that_start_late_stay_in_sync_with_the_sound(tmp_path: Path) -> None:
    """A white flash in a video that begins 1 s after its sound is where it was, once it is written again."""
    flash = ["-f", "lavfi", "-i", "color=black:s=64x48:r=10:d=2,drawbox=c=white:t=fill:enable='gte(t,1)'"]
    path = make_recording(tmp_path / "a.mkv", *tone(440, 3), "-itsoffset", "1", *flash, "-c:v", "libx264", "-bf", "0")
    found = probe(path, "video/x-matroska")
    assert found.video
    pictures = list(read_frames(path, "video/x-matroska", found.video, CancelOrTimeout()))
    assert len(pictures) == 30
    assert [shown.mean() > 128 for shown in pictures].index(True) == 20


def test_a_gap_in_the_sound_stays_a_gap(tmp_path: Path) -> None:
    left_out = ["-af", "aselect='not(between(t,2,4))'", "-c:a", "pcm_s16le"]
    path = make_recording(tmp_path / "a.mkv", *tone(440, 6), *left_out)
    sound = read_sound(path)
    assert len(sound) / RATE == pytest.approx(6, abs=0.1)
    assert power(sound[int(2.3 * RATE) : int(3.7 * RATE)]) < 1e-9
    assert power(sound[int(4.3 * RATE) : int(5.7 * RATE)]) > 1e-3


@pytest.mark.parametrize("name", ["a.mp3", "a.wav", "a.flac", "a.ogg"])
def test_channels_that_cancel_each_other_stay_audible(name: str, tmp_path: Path) -> None:
    voice = speech()
    path = wave(tmp_path / name, np.stack([voice, -voice], 1), "-ac", "2", rate=RATE)
    assert power(read_sound(path)) == pytest.approx(power(voice), rel=0.3)


def test_stereo_is_the_mean_of_both_sides(tmp_path: Path) -> None:
    left, right = speech(seed=1), speech(seed=2)
    sound = read_sound(wave(tmp_path / "a.wav", np.stack([left, right], 1)))
    assert np.abs(sound - (left + right) / 2).max() < 1e-4


def test_channels_that_cancel_for_a_while_stay_audible_throughout(tmp_path: Path) -> None:
    voice = speech(6)
    sign = np.where(np.arange(len(voice)) // (2 * RATE) == 1, -1, 1).astype(np.float32)
    sound = read_sound(wave(tmp_path / "a.wav", np.stack([voice, voice * sign], 1)))
    for start in (0, 2, 4):
        part = slice(start * RATE + RATE // 20, (start + 2) * RATE)
        assert power(sound[part]) == pytest.approx(power(voice[part]), rel=0.1)


@pytest.mark.parametrize("centre", [1.0, 0.0])
def test_in_surround_sound_the_centre_is_used_while_it_has_speech(centre: float, tmp_path: Path) -> None:
    """FL FR FC LFE BL BR: noise all around and a tone in the centre, or a tone at the sides alone."""
    t = np.arange(2 * RATE) / RATE
    voice = (0.1 * np.sin(2 * np.pi * 600 * t)).astype(np.float32)
    noise = [np.random.default_rng(seed).normal(0, 0.15, len(t)).astype(np.float32) * centre for seed in range(5)]
    sides = voice * (1 - centre)
    channels = [noise[0] + sides, noise[1] + sides, voice * centre, noise[2], noise[3], noise[4]]
    sound = read_sound(wave(tmp_path / "a.wav", np.stack(channels, 1)))
    assert pitch(sound) == pytest.approx(600, abs=2)
    spectrum = np.abs(np.fft.rfft(sound)) ** 2
    assert spectrum.max() > 0.9 * spectrum.sum()


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7, 8, 10, 16])
def test_any_number_of_channels_is_read_and_copied(count: int, tmp_path: Path) -> None:
    path = wave(tmp_path / "a.wav", np.stack([speech()] * count, 1))
    assert power(read_sound(path)) > 0.2 * power(speech())
    again = tmp_path / "b.mp4"
    black = (np.zeros((48, 64, 3), np.uint8) for _ in range(20))
    write_frames(black, again, 10, CancelOrTimeout(), (path, "audio/wav", probe(path, "audio/wav")))
    assert power(read_sound(again)) > 0.2 * power(speech())


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000, 96000, 192000])
def test_any_sample_rate_is_read_and_copied(rate: int, tmp_path: Path) -> None:
    path = make_recording(tmp_path / "a.wav", "-f", "lavfi", "-i", f"sine=440:sample_rate={rate}:duration=2")
    assert len(read_sound(path)) == 2 * RATE
    assert pitch(read_sound(path)) == pytest.approx(440, abs=2)
    again = tmp_path / "b.mp4"
    black = (np.zeros((48, 64, 3), np.uint8) for _ in range(20))
    write_frames(black, again, 10, CancelOrTimeout(), (path, "audio/wav", probe(path, "audio/wav")))
    assert pitch(read_sound(again)) == pytest.approx(440, abs=2)


def test_nan_samples_are_silence(tmp_path: Path) -> None:
    voice = speech()
    broken = np.stack([voice, voice], 1)
    broken[5000], broken[6000], broken[7000:9000] = np.inf, 1e30, np.nan
    path = wave(tmp_path / "a.wav", broken)
    sound = read_sound(path)
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() <= 1
    assert power(sound[7100:8900]) == 0
    assert np.abs(sound[9100:] - voice[9100:]).max() < 1e-3
    again = tmp_path / "b.mp4"
    black = (np.zeros((48, 64, 3), np.uint8) for _ in range(20))
    write_frames(black, again, 10, CancelOrTimeout(), (path, "audio/wav", probe(path, "audio/wav")))
    assert power(read_sound(again)) == pytest.approx(power(sound), rel=0.2)


@pytest.mark.parametrize("count", [0, 1, 80, 1600])
def test_a_very_short_sound_is_read(count: int, tmp_path: Path) -> None:
    sound = read_sound(wave(tmp_path / "a.wav", np.full((count, 1), 0.5, np.float32)))
    assert len(sound) == count


def test_a_video_without_sound_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="The recording has no sound"):
        read_sound(make_recording(tmp_path / "a.mp4", *picture()))


def test_the_priming_of_aac_is_removed(tmp_path: Path) -> None:
    """An edit list leaves out what the encoder put before the sound."""
    click = np.zeros((2 * RATE, 1), np.float32)
    click[RATE] = 0.9
    path = wave(tmp_path / "a.mp4", click, "-c:a", "aac", "-b:a", "128k")
    assert np.argmax(np.abs(read_sound(path))) == pytest.approx(RATE, abs=32)


def test_a_subtitle_track_keeps_all_audio_tracks(tmp_path: Path) -> None:
    path = make_recording(tmp_path / "a.mkv", *picture(), *tone(440), *tone(880), "-map", "0", "-map", "1", "-map", "2")
    media = keep(path.read_bytes(), tmp_path / "media")
    renderer = Renderer(tmp_path, CancelOrTimeout(), load_typefaces(weights_folder(Path("data"))))
    again = renderer.mux(media, "1\n00:00:00,000 --> 00:00:01,000\nHello\n", "en", lambda _: None)
    sound = probe(again, "video/mp4").sound
    assert sound
    assert sound.count == 2
