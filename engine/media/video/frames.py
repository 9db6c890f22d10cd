"""Read and write the frames of a video as arrays, uint8 (H, W, C)."""

import itertools
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import structlog

from engine.core.errors import BadInput
from engine.media.video.child import CancelOrTimeout, FFmpegFailed
from engine.media.video.colours import TAGS, convert_rgb_to_bt709, convert_to_bt709
from engine.media.video.h264 import h264_options
from engine.media.video.limits import padded_pixels
from engine.media.video.probe import Probe, Stream
from engine.media.video.process import start_ffmpeg
from engine.media.video.sound import encode_for_mp4
from engine.media.video.source import open_input, select_stream

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

log = structlog.get_logger()


def read_frames(
    path: Path, mime: str, stream: Stream, watch: CancelOrTimeout, alpha: bool = False
) -> "Generator[Picture]":
    """Yield the frames of a video or GIF as displayed: upright, with square pixels, in BT.709.

    Frames come at the constant rate `stream.rate`, starting at the recording's time zero. Each is uint8 (H, W, 3), or
    (H, W, 4) with `alpha`. Close the iterator to stop early. Raises BadInput if no frame can be decoded, Cancelled and
    TimedOut.
    """
    shape = (stream.height, stream.width, 4 if alpha else 3)
    size = (stream.width, stream.height)
    coded = stream.coded if all(stream.coded) else size
    source = open_input(path, mime, max_pixels=padded_pixels(*coded), decoder=stream.decoder)
    steady = select_stream(source, stream.index, "v").filter("fps", stream.rate, start_time=0)
    shown = (
        steady.filter("scale", *size) if alpha else convert_to_bt709(steady, stream.colours, coded[1], size, rgb=True)
    )
    raw = shown.output("pipe:", f="rawvideo", pix_fmt="rgba" if alpha else "rgb24")
    count = 0
    try:
        with start_ffmpeg(raw, watch) as one:
            for picture in _unpack_frames(one.stdout, shape):
                count += 1
                yield picture
    except FFmpegFailed as error:
        log.warning("the video is damaged", frames=count, ffmpeg=str(error))
    if not count:
        raise BadInput("The video is damaged: none of its frames can be read. Attach another one.")


def write_frames(
    pictures: "Iterable[Picture]",
    path: Path,
    rate: float,
    watch: CancelOrTimeout,
    sound: "tuple[Path, str, Probe] | None" = None,
) -> None:
    """Encode frames of one shape, uint8 (H, W, 3 or 4), to `path`: H.264 in an .mp4, or a .gif without sound.

    `sound` is the path, MIME type and probe of a recording whose sound is added. `rate` is in frames per second. Raises
    FFmpegFailed, Cancelled and TimedOut, and ValueError if there is no frame.
    """
    first = next(pictures := iter(pictures), None)
    if first is None:
        raise ValueError("no frame to write")
    encoded = (_gif if path.suffix == ".gif" else _mp4)(_input(first, rate), path, sound)
    with start_ffmpeg(encoded, watch, feed=True) as one:
        for picture in itertools.chain([first], pictures):
            one.stdin.write(picture.tobytes())
        one.stdin.close()


def _unpack_frames(stream: IO[bytes], shape: tuple[int, int, int]) -> "Iterator[Picture]":
    import numpy as np

    size = shape[0] * shape[1] * shape[2]
    while len(raw := stream.read(size)) == size:
        yield np.frombuffer(raw, np.uint8).reshape(shape)


def _input(picture: "Picture", rate: float) -> Any:
    import ffmpeg

    height, width, channels = picture.shape
    layout = "rgba" if channels == 4 else "rgb24"
    return ffmpeg.input("pipe:", f="rawvideo", pix_fmt=layout, s=f"{width}x{height}", framerate=rate)


def _mp4(video: Any, path: Path, sound: "tuple[Path, str, Probe] | None") -> Any:
    """Return an output in H.264 that every player supports: 4:2:0, tagged as BT.709.

    4:2:0 needs even sides, so odd ones are padded by one pixel.
    """
    import ffmpeg

    even = video.filter("pad", "ceil(iw/2)*2", "ceil(ih/2)*2")
    streams, codecs = [convert_rgb_to_bt709(even)], {**h264_options(18), "pix_fmt": "yuv420p", **TAGS}
    if sound and sound[2].sound:
        audio, options = encode_for_mp4(open_input(sound[0], sound[1]), sound[2].sound)
        streams.append(audio)
        codecs |= options
    return ffmpeg.output(*streams, f"file:{path}", f="mp4", movflags="+faststart", **codecs)


def _gif(video: Any, path: Path, sound: object) -> Any:
    """Return an output in GIF with its own palette. FFmpeg keeps all frames in memory, so this suits short clips."""
    import ffmpeg

    assert sound is None, "a GIF has no sound"
    split = video.split()
    palette = split[0].filter("palettegen", reserve_transparent=1)
    return ffmpeg.filter([split[1], palette], "paletteuse").output(f"file:{path}", f="gif", loop=0)
