"""Find out what an audio or video file contains. FFmpeg reads every packet and decodes none."""

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
"""Maximum number of streams in a file. No honest recording has more."""
TIMEOUT_SECONDS = 20.0
"""Time limit of a probe."""
MAX_FRAMES_PER_SECOND = 120.0
"""Maximum frame rate. Frames of a faster video are dropped."""
DEFAULT_FRAMES_PER_SECOND = 25.0
"""Frame rate of a video that does not state one."""
ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""The decoders that read the alpha channel of a WebM, by codec. FFmpeg's own decoders ignore it."""


@dataclass(frozen=True)
class ProbeLimits:
    """The limits of a recording: its length in seconds, its number of frames and the pixels of a frame."""

    seconds: float = 1800
    frames: int = 200_000
    pixels: int = 50_000_000


@dataclass(frozen=True)
class Stream:
    """A video stream. `width` and `height` are in pixels as displayed, `rate` is in frames per second.

    `index` is the stream's number in the file. `coded` is its width and height before rotation and before its pixels
    are made square. `decoder` is set where FFmpeg's default decoder would lose the alpha channel.
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
    """The audio stream that a player would choose.

    `index` is its number in the file, `layout` FFmpeg's name of its channels, and `count` the number of audio streams.
    """

    codec: str
    index: int | None = None
    layout: str = ""
    count: int = 1
    place: int = 1
    """Its position among the audio streams, from 1."""


@dataclass(frozen=True)
class Probe:
    """A recording's length, its video stream if any (not a cover picture), and its preferred audio stream if any."""

    seconds: float
    video: Stream | None
    sound: Sound | None


def conversion_notes(found: Probe) -> tuple[UserMessage, ...]:
    """Return notes that tell the user what the result loses of the recording: HDR, transparency, other audio tracks."""
    notes: tuple[UserMessage, ...] = ()
    colours = found.video.colours if found.video else Colours()
    if colours.hdr:
        template = "The video is HDR ({name}). The result is SDR, which every player shows."
        notes += (UserMessage(template=template, facts={"name": colours.hdr}),)
    if colours.is_transparent:
        notes += (UserMessage(template="Transparent parts of the video are black in the result."),)
    return notes + other_sound_notes(found)


def other_sound_notes(found: Probe) -> tuple[UserMessage, ...]:
    """Return a note that says which audio track is used, if the recording has several."""
    sound = found.sound
    if sound is None or sound.count < 2:
        return ()
    note = UserMessage(
        template="The file has {count} audio track. Track {number} was used, the one that players choose.",
        plural="The file has {count} audio tracks. Track {number} was used, the one that players choose.",
        facts={"count": sound.count, "number": sound.place},
    )
    return (note,)


def with_dimensions(media: Media, found: Probe) -> Media:
    """Return `media` with the size in pixels and the length in seconds that the probe `found`."""
    size = {"width": found.video.width, "height": found.video.height} if found.video else {}
    return media.model_copy(update={**size, "seconds": round(found.seconds, 3)})


MAX_REORDERED_FRAMES = 16
"""Maximum distance in frames between decoding order and display order (H.264, A.3.1; HEVC)."""
STATED_STEP_SECONDS = 0.01
"""Resolution of the length that FFmpeg prints for a file."""
_DURATION = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d\.\d+)")


def probe(path: Path, mime: str, bounds: ProbeLimits | None = None, watch: CancelOrTimeout | None = None) -> Probe:
    """Read the file, whose type by `engine.media.files.sniff` is `mime`, and return what it contains.

    Raises BadInput if the file is damaged or has neither audio nor video, TooLarge if it exceeds `bounds`, Cancelled
    and TimedOut.
    """
    try:
        head, report = _read(path, mime, watch or CancelOrTimeout(seconds=TIMEOUT_SECONDS))
        found = _parse_probe(head, report)
    except FFmpegFailed as error:
        log.info("FFmpeg cannot read the file", ffmpeg=str(error)[-500:])
        found = None
    if found is None or not (found.video or found.sound):
        raise BadInput("The file has no readable audio or video. Attach another file.")
    _check(found, bounds or ProbeLimits())
    return found


def _read(path: Path, mime: str, watch: CancelOrTimeout) -> tuple[list[str], dict[str, str]]:
    """Read the file to its end. Return the log lines in which FFmpeg describes it, and its last progress report."""
    import ffmpeg

    source = open_input(path, mime)
    copied = ffmpeg.output(source["V:0?"], source["a?"], "pipe:", f="null", c="copy")
    with start_ffmpeg(copied, watch, "-nostats", "-progress", "pipe:1", loglevel="info") as one:
        report = dict(line.decode(errors="replace").strip().split("=", 1) for line in one.stdout if b"=" in line)
    return input_lines(one.head), report


def _parse_probe(head: list[str], report: dict[str, str]) -> Probe:
    streams = list(parse_streams(head))
    if len(streams) > MAX_STREAMS:
        raise BadInput(
            "The file has {count:,} stream; the limit is {bound}. Attach a plain audio or video file.",
            plural="The file has {count:,} streams; the limit is {bound}. Attach a plain audio or video file.",
            count=len(streams),
            bound=MAX_STREAMS,
        )
    video = next((line for line in streams if line.kind == "Video" and not line.is_cover), None)
    sound = preferred_stream([line for line in streams if line.kind == "Audio"])
    seconds = parse_seconds(report) or _parse_duration(head)
    stream = _video_stream(video, int(report.get("frame", "0")), seconds) if video else None
    return Probe(
        seconds=_end_of_last_frame(seconds, stream, _parse_duration(head)) if stream else seconds,
        video=stream,
        sound=_sound_stream(sound, streams) if sound else None,
    )


def _end_of_last_frame(decoded: float, video: Stream, stated: float) -> float:
    """Return the time at which the last frame ends, given the time up to which frames were `decoded`. All in seconds.

    A decoder receives B-frames after a frame that is displayed later, so FFmpeg's report ends early by a few frames.
    The length that the file states, in hundredths of a second, is trusted only if reordering explains the difference.
    The number of frames at a constant rate is more exact, and is used alone if the file states no length.
    """
    by_rate = video.frames / video.rate
    exact = by_rate if abs(by_rate - stated) <= STATED_STEP_SECONDS or not stated else stated
    latest = decoded + MAX_REORDERED_FRAMES / video.rate
    return exact if decoded + STATED_STEP_SECONDS < exact <= latest else decoded


def _video_stream(line: Line, frames: int, seconds: float) -> Stream | None:
    found = parse_picture(line)
    if found is None or not frames:
        return None
    rate = found.rate
    if rate and not found.is_exact and seconds > 1 / rate:
        # For a GIF, FFmpeg 5 prints only the resolution of its timestamps.
        rate = min(rate, (frames - 1) / (seconds - 1 / rate) or rate)
    decoder = ALPHA_DECODERS.get(line.codec) if any("alpha_mode" in below for below in line.below) else None
    colours = replace(found.colours, layout="yuva420p") if decoder else found.colours
    rate = min(rate, MAX_FRAMES_PER_SECOND) or DEFAULT_FRAMES_PER_SECOND
    return Stream(line.codec, *found.shown, rate, frames, line.index, found.coded, colours, decoder)


def _sound_stream(line: Line, streams: list[Line]) -> Sound:
    sounds = [one.index for one in streams if one.kind == "Audio"]
    return Sound(line.codec, line.index, parse_layout(line), len(sounds), sounds.index(line.index) + 1)


def _parse_duration(head: list[str]) -> float:
    found = next((match for line in head if (match := _DURATION.match(line))), None)
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3]) if found else 0.0


def _check(found: Probe, bounds: ProbeLimits) -> None:
    """Raise TooLarge if the recording exceeds `bounds`."""
    if found.seconds > bounds.seconds:
        raise TooLarge(
            "The recording is {seconds:,} s long; the limit is {bound:,} s. Shorten it.",
            seconds=round(found.seconds),
            bound=round(bounds.seconds),
        )
    video = found.video
    if video and video.frames > bounds.frames:
        raise TooLarge(
            "The video has {count:,} frame; the limit is {bound:,}. Shorten it.",
            plural="The video has {count:,} frames; the limit is {bound:,}. Shorten it.",
            count=video.frames,
            bound=bounds.frames,
        )
    if video and video.width * video.height > bounds.pixels:
        raise TooLarge(
            "The video's frames are {width} x {height} pixels; the limit is {bound:,} in all. Make it smaller.",
            width=video.width,
            height=video.height,
            bound=bounds.pixels,
        )
