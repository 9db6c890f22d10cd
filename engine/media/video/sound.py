"""Read a recording's preferred audio track, from the recording's time zero, as a filter or as samples."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from engine.core.errors import BadInput
from engine.media.video.child import CancelOrTimeout
from engine.media.video.probe import Probe, Sound, probe
from engine.media.video.process import start_ffmpeg
from engine.media.video.source import open_input, select_stream

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

AAC = {"c:a": "aac", "b:a": "160k"}
COPIED_CODECS = {"aac", "mp3"}
"""Codecs that are copied into an MP4. Every other codec is re-encoded to AAC."""
BLOCK_SECONDS = 1.0
"""Length of the blocks for which the channels with the speech are chosen."""
FADE_SECONDS = 0.01
"""Length of the cross-fade from one choice of channels to the next."""
MIN_CENTRE_POWER = 0.01
"""Power of the centre channel, relative to the louder side, from which it is taken for the speech, as in films."""
MIN_OPPOSED_POWER = 4.0
"""Power of the channels' difference, relative to that of their sum, from which one channel is taken for inverted."""
FINITE = "if(isnan(val(ch)),0,clip(val(ch),-1,1))"
"""An aeval expression that replaces NaN by silence and clips samples to -1..1. Float files may contain either."""
MARGIN_SECONDS = 0.5
"""How much longer the audio may be than its file states."""


def prepare_sound(source: Any, sound: Sound) -> Any:
    """Return the audio of an opened file as a filter: finite, and starting at the recording's time zero.

    Audio that starts later than the recording is preceded by silence.
    """
    stream, channels = select_stream(source, sound.index, "a:0"), sound.layout
    if re.match(r"\d+ channels", channels):  # FFmpeg can mix only channels whose positions it knows
        stream, channels = stream.filter("channelmap", map="0-FL|1-FR"), "stereo"
    if sound.codec.startswith("pcm_f") and channels:
        stream = stream.filter("aeval", exprs=FINITE, channel_layout=channels)
    return stream.filter("aresample", **{"async": 1, "first_pts": 0})


def encode_for_mp4(source: Any, sound: Sound) -> tuple[Any, dict[str, Any]]:
    """Return the audio for an MP4 and FFmpeg's codec options: copied if MP4 supports the codec, or else AAC."""
    if sound.codec in COPIED_CODECS:
        return select_stream(source, sound.index, "a:0"), {"c:a": "copy"}
    return downmix(prepare_sound(source, sound)), AAC


def downmix(sound: Any) -> Any:
    """Return the audio in mono or stereo, which every player can play."""
    return sound.filter("aformat", channel_layouts="mono|stereo")


def read_mono(path: Path, mime: str, rate: int, watch: CancelOrTimeout, found: Probe | None = None) -> "Samples":
    """Return the audio mixed to mono for speech recognition: float32 (N,) in -1..1 at `rate` samples per second.

    Sample 0 is at the recording's time zero. `found` is its probe, and defaults to a new one. Raises BadInput if there
    is no audio, FFmpegFailed, Cancelled and TimedOut.
    """
    import numpy as np

    found = found or probe(path, mime, watch=watch)
    if found.sound is None:
        raise BadInput("The recording has no sound. Attach one that does.")
    three = prepare_sound(open_input(path, mime), found.sound).filter(
        "aformat", sample_fmts="flt", channel_layouts="3.0"
    )
    raw = three.output("pipe:", f="f32le", ar=rate, t=found.seconds + MARGIN_SECONDS)
    with start_ffmpeg(raw, watch) as one:
        blocks = list(_mix_blocks(one.stdout, rate))
    return np.concatenate([*blocks, np.zeros(0, np.float32)])


def _mix_blocks(stream: IO[bytes], rate: int) -> "Iterator[Samples]":
    """Yield blocks of mono samples (N,) from interleaved left, right and centre."""
    import numpy as np

    weights = np.array([0.5, 0.5, 0.0], np.float32)
    while len(raw := stream.read(12 * round(BLOCK_SECONDS * rate))) >= 12:
        block = np.frombuffer(raw, np.float32, len(raw) // 12 * 3).reshape(-1, 3)
        block = np.clip(np.nan_to_num(block), -1, 1)
        target = _channel_weights(block, weights)
        fade = np.minimum(1, np.arange(len(block), dtype=np.float32) / (FADE_SECONDS * rate))[:, None]
        yield (block * (weights + (target - weights) * fade)).sum(axis=1)
        weights = target


def _channel_weights(block: "Samples", before: "Samples") -> "Samples":
    """Return the weights (3,) of left, right and centre for a block (N, 3), or the weights `before` if it is silent."""
    import numpy as np

    left, right, centre = (float(np.mean(block[:, at] ** 2)) for at in range(3))
    if max(left, right, centre) < 1e-9:
        return before
    if centre >= MIN_CENTRE_POWER * max(left, right):
        return np.array([0, 0, 1], np.float32)
    total, difference = (np.mean((block[:, 0] + sign * block[:, 1]) ** 2) for sign in (1, -1))
    return np.array([0.5, -0.5 if difference > MIN_OPPOSED_POWER * total else 0.5, 0], np.float32)
