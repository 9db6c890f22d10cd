"""A program of its own: print what a recording contains as JSON, in the form of `description.Description`.

    python describe.py FILE DEMUXER PROTOCOLS MAX_PIXELS

It reads every packet, and decodes pictures only up to the first one, which tells the rotation. FFmpeg's libraries
parse a user's file here, so it runs apart from Atelier, with limits on time and memory. It imports nothing of Atelier,
so that it starts in a twentieth of a second.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

EXTRA = Disposition.comment | Disposition.visual_impaired | Disposition.hearing_impaired
"""Marks of a stream that is a commentary, or made for people with impaired hearing or vision."""
MAX_GUESSED_CHANNELS = 8
"""Number of channels up to which all versions of FFmpeg assume the same positions for channels without any."""


@contextmanager
def reported_errors() -> Iterator[None]:
    """Write FFmpeg's errors to the log, where our parent looks for exceeded limits, and go on."""
    try:
        yield
    except av.FFmpegError as error:
        print(error, file=sys.stderr)  # noqa: T201  # the log of a program


class Reader:
    """Counts the frames of a stream and finds its end, packet by packet."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.frames = 0
        self.rotation: int | None = None
        self._is_video = isinstance(stream, VideoStream)
        self._has_begun = not self._is_video
        self._end: int | None = None
        """Time at which the last frame ends, in the stream's own unit."""

    @property
    def seconds(self) -> float:
        """Return the time at which the last frame ends, by the clock of the file."""
        return float(self._end * self.stream.time_base) if self._end is not None and self.stream.time_base else 0.0

    def read(self, packet: "Packet[Any]") -> None:
        """Count a packet, unless it is empty, before the first key frame of a video, or cut by an edit list."""
        self._has_begun = self._has_begun or packet.is_keyframe
        if not (packet.size and self._has_begun):
            return
        if self._is_video and self.rotation is None:
            self._decode(packet)
        if packet.is_discard:
            return
        self.frames += 1
        time = packet.dts if packet.pts is None else packet.pts
        if time is not None:
            end = time + (packet.duration or self._ticks_per_frame())
            self._end = end if self._end is None else max(end, self._end)

    def _ticks_per_frame(self) -> int:
        """Return the duration of a packet that does not state it."""
        rate = self.stream.average_rate if self._is_video else None
        return round(1 / (rate * self.stream.time_base)) if rate and self.stream.time_base else 0

    def _decode(self, packet: "Packet[Any]") -> None:
        with reported_errors():
            for frame in packet.decode():
                self.rotation = frame.rotation


def main(path: str, demuxer: str, protocols: str, max_pixels: str) -> None:
    """Print the description of the recording at `path`, which only `demuxer` reads."""
    av.logging.restore_default_callback()  # FFmpeg's own, which writes to the standard error
    av.logging.set_level(av.logging.ERROR)
    options = {"protocol_whitelist": protocols, "max_pixels": max_pixels}
    with av.open(f"file:{path}", "r", demuxer, options=options, metadata_errors="replace") as container:
        streams = [_describe(stream) for stream in container.streams]  # before a decoder changes anything
        readers = _read_packets(container, max_pixels)
        start = (container.start_time or 0) / av.time_base
    for index, reader in readers.items():
        streams[index] |= {"frames": reader.frames, "rotation": reader.rotation or 0}
    seconds = max((reader.seconds - start for reader in readers.values()), default=0.0)
    print(json.dumps({"seconds": max(0.0, seconds), "streams": streams}))  # noqa: T201  # the output of a program


def _read_packets(container: InputContainer, max_pixels: str) -> dict[int, Reader]:
    """Read the file to its end, or to the first damage, and return the readers of its streams by index."""
    streams = [stream for stream in container.streams if _is_read(stream)]
    for stream in streams:
        stream.codec_context.options = {"max_pixels": max_pixels}
        stream.codec_context.thread_count = 1
    readers = {stream.index: Reader(stream) for stream in streams}
    with reported_errors():
        for packet in container.demux(*streams) if streams else ():
            readers[packet.stream.index].read(packet)
    return readers


def _is_read(stream: Stream) -> bool:
    """Return whether FFmpeg can decode the stream, by its parameters, and it is audio or video and no cover picture."""
    if stream.codec_context is None or stream.disposition & Disposition.attached_pic:  # type: ignore[redundant-expr]  # None if unknown
        return False
    if isinstance(stream, AudioStream):
        return bool(stream.sample_rate and stream.layout.nb_channels)
    return isinstance(stream, VideoStream)


def _describe(stream: Stream) -> dict[str, Any]:
    """Return the fields of a `description.StreamDescription` that are known before the packets are read."""
    described: dict[str, Any] = {"index": stream.index, "kind": stream.type}
    if not _is_read(stream):
        return described
    described |= {
        "codec": stream.codec_context.codec.canonical_name,
        "is_default": bool(stream.disposition & Disposition.default),
        "is_extra": bool(stream.disposition & EXTRA),
    }
    if isinstance(stream, AudioStream):
        return {**described, "layout": _name_layout(stream.layout)}
    assert isinstance(stream, VideoStream)
    return {**described, "picture": _describe_picture(stream)}


def _name_layout(layout: av.AudioLayout) -> str:
    """Return FFmpeg's name of a channel layout. Channels without positions get those that FFmpeg assumes, if any."""
    if "channels" not in layout.name or layout.nb_channels > MAX_GUESSED_CHANNELS:
        return layout.name
    return av.AudioLayout(f"{layout.nb_channels}c").name


def _describe_picture(stream: VideoStream) -> dict[str, Any]:
    """Return the fields of a `description.PictureDescription`."""
    codec, aspect, rate = stream.codec_context, stream.sample_aspect_ratio, stream.average_rate or stream.base_rate
    return {
        "width": codec.width,
        "height": codec.height,
        "layout": codec.pix_fmt,
        "rate": float(rate) if rate else 0.0,
        "pixel_aspect": float(aspect) if aspect else 1.0,
        "colour_range": codec.color_range,
        "matrix": codec.colorspace,
        "primaries": codec.color_primaries,
        "transfer": codec.color_trc,
        "field_order": codec.field_order,
        "has_hidden_alpha": "alpha_mode" in stream.metadata,
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
