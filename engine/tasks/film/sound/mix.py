"""A film's sound: what is said where it belongs, music under it that gives way, all of it as loud as is usual.

Loudness is that of EBU R128, at the -16 LUFS that platforms for phones ask for (AES TD1004: -16 to -20).
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

LOUDNESS = -16.0
"""LUFS."""
PEAK = -1.5
"""dBTP that nothing exceeds."""
NEAR_ENOUGH = 0.2
"""LU. EBU R128 lets a programme be off by 0.5, and AAC moves it by another 0.1."""
TRIES = 4
"""At being that near, since a limiter takes some loudness away."""
RATE = 48000
AAC = {"c:a": "aac", "b:a": "160k", "ar": RATE, "ac": 2}
MUSIC = 0.5
"""Volume of music that nobody speaks over, beside speech of the same loudness."""
FADE = 2.0
"""Seconds in which music ends."""
SILENCE = -60.0
"""LUFS below which there is nothing to make louder."""


@dataclass(frozen=True)
class PlacedSpeech:
    """A recording, and at which second of the film it begins."""

    media: Media
    at: float


def track(said: Iterable[PlacedSpeech], seconds: float, path: Path, watch: CancelOrTimeout) -> None:
    """All that is said as one WAV of `seconds`, mono, silent between. One recording at a time is held.

    Raises BadInput for a damaged recording, Cancelled and TimedOut.
    """
    import numpy as np

    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        written, whole = 0, round(seconds * RATE)
        for each in said:
            begins = round(each.at * RATE)
            _silence(sound, max(0, begins - written))
            voice = _level(_samples(each.media, watch))[max(0, written - begins) :]
            voice = voice[: max(0, whole - max(begins, written))]
            sound.writeframes((np.clip(voice, -1, 1) * 32767).astype("<i2").tobytes())
            written = max(begins, written) + len(voice)
        _silence(sound, whole - written)


def mix(speech: Path | None, music: Media | None, seconds: float, path: Path, watch: CancelOrTimeout) -> float | None:
    """Speech, music or both as the WAV `path`, at LOUDNESS. Returns the LUFS that it has; None where it is silent.

    Music goes round until the end and fades there. Raises BadInput where it is damaged, Cancelled and TimedOut.
    """
    raw = path.with_name("raw.wav")
    try:
        run_pipeline(
            _mix(speech, music, seconds, watch).output(str(raw), f="wav", acodec="pcm_s16le", ar=RATE, ac=2), watch
        )
    except FFmpegFailed as error:
        raise BadInput("This audio is damaged. Try another copy.") from error
    loudness, peak = measure_loudness(raw, watch)
    if loudness < SILENCE:
        raw.replace(path)
        return None
    gain, reached = LOUDNESS - loudness, SILENCE
    for _ in range(TRIES):
        _amplify(raw, gain, path, watch, limited=peak + gain > PEAK)
        reached, _ = measure_loudness(path, watch)
        if abs(reached - LOUDNESS) <= NEAR_ENOUGH:
            break
        gain += LOUDNESS - reached
    return reached


def measure_loudness(path: Path, watch: CancelOrTimeout) -> tuple[float, float]:
    """The integrated loudness in LUFS and the true peak in dBTP of a WAV of ours (EBU R128, ITU-R BS.1770)."""
    import ffmpeg

    source = ffmpeg.input(str(path), f="wav").audio.filter("ebur128", peak="true", framelog="verbose")
    told = run_and_capture(source.output("pipe:", f="null"), watch)
    loud, peak = re.search(r"\bI:\s+(-?[\d.]+|-inf|nan) LUFS", told), re.search(r"Peak:\s+(-?[\d.]+|-inf) dBFS", told)
    return float(loud[1]) if loud and loud[1] != "nan" else -70.0, float(peak[1]) if peak else 0.0


def _sound_of(music: Media, watch: CancelOrTimeout) -> Sound:
    found = probe(music.path, music.mime, watch=watch).sound
    if found is None:
        raise BadInput("There is no sound in the music. Attach a recording.")
    return found


def _mix(speech: Path | None, music: Media | None, seconds: float, watch: CancelOrTimeout) -> Any:
    import ffmpeg

    voice = ffmpeg.input(str(speech), f="wav").audio.filter("aformat", channel_layouts="stereo") if speech else None
    if music is None:
        return voice
    fade = max(0.0, seconds - FADE)
    under = (
        prepare_sound(open_input(music.path, music.mime, stream_loop=-1), _sound_of(music, watch))
        .filter("aresample", RATE)
        .filter("aformat", sample_fmts="fltp", channel_layouts="stereo")
        .filter("loudnorm", I=-16, LRA=11, TP=-2)
        .filter("aresample", RATE)
        .filter("atrim", end=seconds)
        .filter("afade", t="out", st=fade, d=min(FADE, seconds))
    )
    if voice is None:
        return under
    both = voice.filter("apad", whole_dur=seconds).asplit()
    ducked = ffmpeg.filter(
        [under.filter("volume", MUSIC), both[0]],
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
        limit = 10 ** ((PEAK - 0.3) / 20)
        louder = (
            louder.filter("aresample", 4 * RATE)
            .filter("alimiter", level=0, limit=limit, attack=4, release=60)
            .filter("aresample", RATE)
        )
    run_pipeline(louder.output(str(path), f="wav", acodec="pcm_s16le", ar=RATE, ac=2), watch)


def _samples(media: Media, watch: CancelOrTimeout) -> Any:
    try:
        return read_mono(media.path, media.mime, RATE, watch)
    except FFmpegFailed as error:
        raise BadInput("This audio is damaged. Try another copy.") from error


def _level(voice: Any) -> Any:
    """Each recording as loud as the others, by what is loud in it."""
    import numpy as np

    loud = float(np.percentile(np.abs(voice), 95)) if len(voice) else 0.0
    return voice * min(8.0, 0.25 / loud) if loud > 1e-4 else voice


def _silence(sound: wave.Wave_write, count: int) -> None:
    block = bytes(2 * RATE)
    while count > 0:
        sound.writeframes(block[: 2 * min(count, RATE)])
        count -= RATE
