"""Tell what is in a sound or a video, by FFmpeg reading every packet and decoding none."""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from engine.core.errors import BadInput, TooLarge, UserMessage
from engine.core.job import Media
from engine.media.video.colours import Colours
from engine.media.video.process import CancelOrTimeout, FFmpegFailed, parse_seconds, start_ffmpeg
from engine.media.video.source import open_input
from engine.media.video.streams import Line, input_lines, parse_layout, parse_picture, parse_streams, preferred_stream

log = structlog.get_logger()

MAX_STREAMS = 16
"""More streams than this no honest recording has."""
TIMEOUT_SECONDS = 20.0
"""Seconds that a probe may take."""
FASTEST = 120.0
"""Frames a second; a video that has more is thinned out."""
TRANSPARENT = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""The decoders that read what is see-through in a WebM; FFmpeg's own leave it out."""


@dataclass(frozen=True)
class ProbeLimits:
    """What a recording may be: its length in seconds, its frames, the pixels of a frame."""

    seconds: float = 1800
    frames: int = 200_000
    pixels: int = 50_000_000


@dataclass(frozen=True)
class Stream:
    """Moving pictures. `width` and `height` are in pixels as they are shown, `rate` in frames a second.

    `index` is the stream's number in the file, `coded` its width and height before its pixels are made square and it is
    turned, and `decoder` the one that reads it, where FFmpeg's own choice would lose something.
    """

    codec: str
    width: int
    height: int
    rate: float
    frames: int
    index: int | None = None
    coded: tuple[int, int] = (0, 0)
    colours: Colours = field(default_factory=Colours)
    decoder: str | None = None


@dataclass(frozen=True)
class Sound:
    """The sound that a player takes. `layout` are its channels as FFmpeg names them, `count` how many there are in all.

    `index` is the stream's number in the file.
    """

    codec: str
    index: int | None = None
    layout: str = ""
    count: int = 1
    place: int = 1
    """Which of the sounds it is, counted from 1."""


@dataclass(frozen=True)
class Probe:
    """A recording: the video stream, cover pictures aside, and the sound that a player takes, where it has them."""

    seconds: float
    video: Stream | None
    sound: Sound | None


def conversion_notes(found: Probe) -> tuple[UserMessage, ...]:
    """Return what a person should know of how their recording is read: what of it is another in the result."""
    notes: tuple[UserMessage, ...] = ()
    colours = found.video.colours if found.video else Colours()
    if colours.hdr:
        template = "The video is HDR ({name}). The result is SDR, which every player shows."
        notes += (UserMessage(template=template, facts={"name": colours.hdr}),)
    if colours.is_transparent:
        notes += (UserMessage(template="What is transparent in the video is black in the result."),)
    return notes + other_sound_notes(found)


def other_sound_notes(found: Probe) -> tuple[UserMessage, ...]:
    """Return a note where the recording has several sounds: one of them is taken."""
    sound = found.sound
    if sound is None or sound.count < 2:
        return ()
    template = "There are {count} sound tracks in it; number {number}, which players play, was taken."
    return (UserMessage(template=template, facts={"count": sound.count, "number": sound.place}),)


def with_dimensions(media: Media, found: Probe) -> Media:
    """`media` with the size and the length that were found in it."""
    size = {"width": found.video.width, "height": found.video.height} if found.video else {}
    return media.model_copy(update={**size, "seconds": round(found.seconds, 3)})


MAX_REORDERED_FRAMES = 16
"""By how many frames the order of decoding may differ from that of showing (H.264, A.3.1; HEVC)."""
STATED_STEP = 0.01
"""Seconds between two lengths that FFmpeg tells apart when it says what a file states."""
_DURATION = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d\.\d+)")


def probe(path: Path, mime: str, bounds: ProbeLimits | None = None, watch: CancelOrTimeout | None = None) -> Probe:
    """Look at the file, which `engine.media.files.sniff` said is `mime`.

    Raises BadInput where it is damaged or has neither sound nor moving pictures, TooLarge where it is over `bounds`,
    and what a child raises.
    """
    try:
        head, told = _read(path, mime, watch or CancelOrTimeout(seconds=TIMEOUT_SECONDS))
        found = _found(head, told)
    except FFmpegFailed as error:
        log.info("not readable", said=str(error)[-500:])
        found = None
    if found is None or not (found.video or found.sound):
        raise BadInput("There is no sound or video in the file that can be read. Attach another one.")
    _check(found, bounds or ProbeLimits())
    return found


def _read(path: Path, mime: str, watch: CancelOrTimeout) -> tuple[list[str], dict[str, str]]:
    """Return what FFmpeg says of the input, and its last progress report after reading it to the end."""
    import ffmpeg

    source = open_input(path, mime)
    copied = ffmpeg.output(source["V:0?"], source["a?"], "pipe:", f="null", c="copy")
    with start_ffmpeg(copied, watch, "-nostats", "-progress", "pipe:1", loglevel="info") as one:
        told = dict(line.decode(errors="replace").strip().split("=", 1) for line in one.out if b"=" in line)
    return input_lines(one.head), told


def _found(head: list[str], told: dict[str, str]) -> Probe:
    streams = list(parse_streams(head))
    if len(streams) > MAX_STREAMS:
        raise BadInput(
            "The file has {count} streams; at most {bound} are read here. Attach a plain sound or video.",
            count=len(streams),
            bound=MAX_STREAMS,
        )
    video = next((line for line in streams if line.kind == "Video" and not line.is_cover), None)
    sound = preferred_stream([line for line in streams if line.kind == "Audio"])
    seconds = parse_seconds(told) or _duration(head)
    stream = _video(video, int(told.get("frame", "0")), seconds) if video else None
    return Probe(
        seconds=_shown_until(seconds, stream, _duration(head)) if stream else seconds,
        video=stream,
        sound=_sound(sound, streams) if sound else None,
    )


def _shown_until(decoded: float, video: Stream, stated: float) -> float:
    """Return the second at which the last frame goes, where frames were `decoded` until then, in that order.

    B-frames are decoded before a frame that is shown later, so FFmpeg's report ends early by as many frames. The length
    that the file states, in hundredths of a second, counts only where that explains it. Frames of an even rate are more
    exact, and are all there is where the file states nothing.
    """
    by_rate = video.frames / video.rate
    exact = by_rate if abs(by_rate - stated) <= STATED_STEP or not stated else stated
    latest = decoded + MAX_REORDERED_FRAMES / video.rate
    return exact if decoded + STATED_STEP < exact <= latest else decoded


def _video(line: Line, frames: int, seconds: float) -> Stream | None:
    found = parse_picture(line)
    if found is None or not frames:
        return None
    rate = found.rate
    if rate and not found.is_exact and seconds > 1 / rate:
        # Of a GIF FFmpeg 5 tells only how finely its times are stored.
        rate = min(rate, (frames - 1) / (seconds - 1 / rate) or rate)
    decoder = TRANSPARENT.get(line.codec) if any("alpha_mode" in below for below in line.below) else None
    colours = replace(found.colours, layout="yuva420p") if decoder else found.colours
    rate = min(rate, FASTEST) or 25.0
    return Stream(line.codec, *found.shown, rate, frames, line.index, found.coded, colours, decoder)


def _sound(line: Line, streams: list[Line]) -> Sound:
    sounds = [one.index for one in streams if one.kind == "Audio"]
    return Sound(line.codec, line.index, parse_layout(line), len(sounds), sounds.index(line.index) + 1)


def _duration(head: list[str]) -> float:
    found = next((match for line in head if (match := _DURATION.match(line))), None)
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3]) if found else 0.0


def _check(found: Probe, bounds: ProbeLimits) -> None:
    if found.seconds > bounds.seconds:
        raise TooLarge(
            "The recording is {seconds} s long; at most {bound} s are allowed. Cut it shorter.",
            seconds=round(found.seconds),
            bound=round(bounds.seconds),
        )
    video = found.video
    if video and video.frames > bounds.frames:
        raise TooLarge(
            "The video has {frames} frames; at most {bound} are allowed. Cut it shorter.",
            frames=video.frames,
            bound=bounds.frames,
        )
    if video and video.width * video.height > bounds.pixels:
        raise TooLarge(
            "The video's frames are {width} x {height} pixels; at most {bound} pixels are allowed. Make it smaller.",
            width=video.width,
            height=video.height,
            bound=bounds.pixels,
        )
