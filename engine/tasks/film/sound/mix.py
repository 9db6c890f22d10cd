"""Mix the sound of a film: speech in its place, and music that is lowered under it, at a standard loudness.

Loudness follows EBU R128, at the -16 LUFS that mobile platforms expect (AES TD1004: -16 to -20).
"""

import re
import wave
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.core.errors import BadInput
from engine.core.job import Media
from engine.media.video import (
    CancelOrTimeout,
    FFmpegFailed,
    Sound,
    open_input,
    prepare_sound,
    probe,
    read_mono,
    run_and_capture,
    run_pipeline,
)

TARGET_LUFS = -16.0
"""Integrated loudness of the mix."""
MAX_PEAK_DBTP = -1.5
"""Maximum true peak."""
TOLERANCE_LU = 0.2
"""Accepted deviation from the target. EBU R128 allows 0.5, and AAC adds another 0.1."""
MAX_PASSES = 4
"""Maximum number of gain adjustments. Several are needed because the limiter lowers the loudness."""
SAMPLE_RATE = 48000
"""Samples per second."""
AAC = {"c:a": "aac", "b:a": "160k", "ar": SAMPLE_RATE, "ac": 2}
MUSIC_VOLUME = 0.5
"""Volume of music between speech, relative to speech of the same loudness."""
FADE_SECONDS = 2.0
"""Length of the fade-out of the music."""
SILENCE_LUFS = -60.0
"""Sound below this loudness counts as silence."""


@dataclass(frozen=True)
class PlacedSpeech:
    """A recording, and the second of the film at which it starts."""

    media: Media
    at: float


def write_speech_track(recordings: Iterable[PlacedSpeech], seconds: float, path: Path, watch: CancelOrTimeout) -> None:
    """Write the recordings as one mono WAV of `seconds`, with silence between. Only one recording is in memory at a
    time.

    Raises BadInput for a damaged recording, Cancelled and TimedOut.
    """
    import numpy as np

    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLE_RATE)
        written, whole = 0, round(seconds * SAMPLE_RATE)
        for recording in recordings:
            begins = round(recording.at * SAMPLE_RATE)
            _write_silence(sound, max(0, begins - written))
            voice = _normalize_level(_decode(recording.media, watch))[max(0, written - begins) :]
            voice = voice[: max(0, whole - max(begins, written))]
            sound.writeframes((np.clip(voice, -1, 1) * 32767).astype("<i2").tobytes())
            written = max(begins, written) + len(voice)
        _write_silence(sound, whole - written)


def mix_sound(
    speech: Path | None, music: Media | None, seconds: float, path: Path, watch: CancelOrTimeout
) -> float | None:
    """Write speech, music or both as the WAV `path` at TARGET_LUFS. Return the loudness reached, or None for silence.

    The music loops until the end and fades out there. Raises BadInput if it is damaged, Cancelled and TimedOut.
    """
    raw = path.with_name("raw.wav")
    try:
        run_pipeline(
            _mix_graph(speech, music, seconds, watch).output(
                str(raw), f="wav", acodec="pcm_s16le", ar=SAMPLE_RATE, ac=2
            ),
            watch,
        )
    except FFmpegFailed as error:
        raise BadInput("This audio is damaged. Try another copy.") from error
    loudness, peak = measure_loudness(raw, watch)
    if loudness < SILENCE_LUFS:
        raw.replace(path)
        return None
    gain, reached = TARGET_LUFS - loudness, SILENCE_LUFS
    for _ in range(MAX_PASSES):
        _amplify(raw, gain, path, watch, limited=peak + gain > MAX_PEAK_DBTP)
        reached, _ = measure_loudness(path, watch)
        if abs(reached - TARGET_LUFS) <= TOLERANCE_LU:
            break
        gain += TARGET_LUFS - reached
    return reached


def measure_loudness(path: Path, watch: CancelOrTimeout) -> tuple[float, float]:
    """Return the integrated loudness in LUFS and the true peak in dBTP of a WAV (EBU R128, ITU-R BS.1770)."""
    import ffmpeg

    source = ffmpeg.input(str(path), f="wav").audio.filter("ebur128", peak="true", framelog="verbose")
    log = run_and_capture(source.output("pipe:", f="null"), watch)
    loud, peak = re.search(r"\bI:\s+(-?[\d.]+|-inf|nan) LUFS", log), re.search(r"Peak:\s+(-?[\d.]+|-inf) dBFS", log)
    return float(loud[1]) if loud and loud[1] != "nan" else -70.0, float(peak[1]) if peak else 0.0


def _sound_of(music: Media, watch: CancelOrTimeout) -> Sound:
    found = probe(music.path, music.mime, watch=watch).sound
    if found is None:
        raise BadInput("The music file has no sound. Attach another one.")
    return found


def _mix_graph(speech: Path | None, music: Media | None, seconds: float, watch: CancelOrTimeout) -> Any:
    import ffmpeg

    voice = ffmpeg.input(str(speech), f="wav").audio.filter("aformat", channel_layouts="stereo") if speech else None
    if music is None:
        return voice
    fade = max(0.0, seconds - FADE_SECONDS)
    under = (
        prepare_sound(open_input(music.path, music.mime, stream_loop=-1), _sound_of(music, watch))
        .filter("aresample", SAMPLE_RATE)
        .filter("aformat", sample_fmts="fltp", channel_layouts="stereo")
        .filter("loudnorm", I=-16, LRA=11, TP=-2)
        .filter("aresample", SAMPLE_RATE)
        .filter("atrim", end=seconds)
        .filter("afade", t="out", st=fade, d=min(FADE_SECONDS, seconds))
    )
    if voice is None:
        return under
    both = voice.filter("apad", whole_dur=seconds).asplit()
    ducked = ffmpeg.filter(
        [under.filter("volume", MUSIC_VOLUME), both[0]],
        "sidechaincompress",
        threshold=0.02,
        ratio=8,
        attack=60,
        release=700,
        knee=4,
    )
    return ffmpeg.filter([both[1], ducked], "amix", inputs=2, normalize=0, duration="first").filter(
        "atrim", end=seconds
    )


def _amplify(source: Path, gain: float, path: Path, watch: CancelOrTimeout, *, limited: bool) -> None:
    import ffmpeg

    louder = ffmpeg.input(str(source), f="wav").audio.filter("volume", f"{gain:.2f}dB")
    if limited:
        limit = 10 ** ((MAX_PEAK_DBTP - 0.3) / 20)
        louder = (
            louder.filter("aresample", 4 * SAMPLE_RATE)
            .filter("alimiter", level=0, limit=limit, attack=4, release=60)
            .filter("aresample", SAMPLE_RATE)
        )
    run_pipeline(louder.output(str(path), f="wav", acodec="pcm_s16le", ar=SAMPLE_RATE, ac=2), watch)


def _decode(media: Media, watch: CancelOrTimeout) -> Any:
    try:
        return read_mono(media.path, media.mime, SAMPLE_RATE, watch)
    except FFmpegFailed as error:
        raise BadInput("This audio is damaged. Try another copy.") from error


def _normalize_level(voice: Any) -> Any:
    """Return the recording at a common level, measured by its loud parts."""
    import numpy as np

    loud = float(np.percentile(np.abs(voice), 95)) if len(voice) else 0.0
    return voice * min(8.0, 0.25 / loud) if loud > 1e-4 else voice


def _write_silence(sound: wave.Wave_write, count: int) -> None:
    block = bytes(2 * SAMPLE_RATE)
    while count > 0:
        sound.writeframes(block[: 2 * min(count, SAMPLE_RATE)])
        count -= SAMPLE_RATE
