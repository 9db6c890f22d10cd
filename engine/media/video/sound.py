"""A recording's sound: the track that a player takes, from the recording's own zero on, as a filter or as numbers."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from engine.core.errors import BadInput
from engine.media.video.probe import Probe, Sound, probe
from engine.media.video.process import CancelOrTimeout, start_ffmpeg
from engine.media.video.source import open_input, select_stream

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

AAC = {"c:a": "aac", "b:a": "160k"}
COPIED = {"aac", "mp3"}
"""Sounds that go into an MP4 as they are; others are encoded to AAC."""
BLOCK_SECONDS = 1.0
"""How often it is decided anew which channels the speech is in."""
FADE_SECONDS = 0.01
"""How long the change from one choice of channels to the next takes."""
CENTRE = 0.01
"""The power of the centre, by that of the louder side, from which on the speech is in it: films put it there."""
OPPOSED = 4.0
"""How many times more power than their sum the difference of two channels has where one is the other turned round."""
FINITE = "if(isnan(val(ch)),0,clip(val(ch),-1,1))"
"""What a sample becomes that a file of floats holds, by aeval: some hold what is no number, or no sound."""
MARGIN_SECONDS = 0.5
"""What a sound may be longer than its file says."""


def prepare_sound(source: Any, sound: Sound) -> Any:
    """Return the sound of an opened file as filters take it: finite, and beginning at the recording's zero.

    A sound that begins later than the recording has silence before it.
    """
    stream, channels = select_stream(source, sound.index, "a:0"), sound.layout
    if re.match(r"\d+ channels", channels):  # FFmpeg mixes only what it knows the places of
        stream, channels = stream.filter("channelmap", map="0-FL|1-FR"), "stereo"
    if sound.codec.startswith("pcm_f") and channels:
        stream = stream.filter("aeval", exprs=FINITE, channel_layout=channels)
    return stream.filter("aresample", **{"async": 1, "first_pts": 0})


def encode_for_mp4(source: Any, sound: Sound) -> tuple[Any, dict[str, Any]]:
    """Return the sound as it goes into an MP4, and how: as it is where MP4 holds it, or else encoded to AAC."""
    if sound.codec in COPIED:
        return select_stream(source, sound.index, "a:0"), {"c:a": "copy"}
    return downmix(prepare_sound(source, sound)), AAC


def downmix(sound: Any) -> Any:
    """Return the sound in one or two channels, which AAC takes and every player plays."""
    return sound.filter("aformat", channel_layouts="mono|stereo")


def read_mono(path: Path, mime: str, rate: int, watch: CancelOrTimeout, found: Probe | None = None) -> "Samples":
    """Return the sound mixed to one channel for a listener to speech, in -1..1 at `rate` a second.

    Sample 0 is at the recording's zero. `found` is its probe, made here where it is left out. Raises BadInput where
    there is no sound, FFmpegFailed, Cancelled and TimedOut.
    """
    import numpy as np

    found = found or probe(path, mime, watch=watch)
    if found.sound is None:
        raise BadInput("There is no sound in the recording. Attach one that has sound.")
    three = prepare_sound(open_input(path, mime), found.sound).filter(
        "aformat", sample_fmts="flt", channel_layouts="3.0"
    )
    raw = three.output("pipe:", f="f32le", ar=rate, t=found.seconds + MARGIN_SECONDS)
    with start_ffmpeg(raw, watch) as one:
        mixed = list(_mixed(one.out, rate))
    return np.concatenate([*mixed, np.zeros(0, np.float32)])


def _mixed(stream: IO[bytes], rate: int) -> "Iterator[Samples]":
    """Yield blocks of mono from interleaved left, right and centre."""
    import numpy as np

    weights = np.array([0.5, 0.5, 0.0], np.float32)
    while len(raw := stream.read(12 * round(BLOCK_SECONDS * rate))) >= 12:
        block = np.frombuffer(raw, np.float32, len(raw) // 12 * 3).reshape(-1, 3)
        block = np.clip(np.nan_to_num(block), -1, 1)
        wanted = _weights(block, weights)
        rising = np.minimum(1, np.arange(len(block), dtype=np.float32) / (FADE_SECONDS * rate))[:, None]
        yield (block * (weights + (wanted - weights) * rising)).sum(axis=1)
        weights = wanted


def _weights(block: "Samples", before: "Samples") -> "Samples":
    """Return how much of left, right and centre to hear in a block (N, 3); in silence what was heard `before`."""
    import numpy as np

    left, right, centre = (float(np.mean(block[:, at] ** 2)) for at in range(3))
    if max(left, right, centre) < 1e-9:
        return before
    if centre >= CENTRE * max(left, right):
        return np.array([0, 0, 1], np.float32)
    total, difference = (np.mean((block[:, 0] + sign * block[:, 1]) ** 2) for sign in (1, -1))
    return np.array([0.5, -0.5 if difference > OPPOSED * total else 0.5, 0], np.float32)
