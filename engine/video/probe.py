"""What is in a sound or a video, found by FFmpeg reading every packet and decoding none."""

import re
from dataclasses import dataclass
from pathlib import Path

import structlog

from engine.errors import BadInput, TooLarge
from engine.job import Media
from engine.video.child import FFmpegFailed, Watch, child, seconds_of
from engine.video.source import opened

log = structlog.get_logger()

STREAMS = 16
"""More streams than this no honest recording has."""
LIMIT = 20.0
"""Seconds that a probe may take."""


@dataclass(frozen=True)
class Bounds:
    """What a recording may be: its length in seconds, its frames, the pixels of a frame."""

    seconds: float = 1800
    frames: int = 200_000
    pixels: int = 50_000_000


@dataclass(frozen=True)
class Stream:
    """Moving pictures. `width` and `height` are in pixels as they are shown, `rate` in frames a second."""

    codec: str
    width: int
    height: int
    rate: float
    frames: int


@dataclass(frozen=True)
class Sound:
    codec: str


@dataclass(frozen=True)
class Probe:
    """A recording: its first video stream, cover pictures aside, and its first sound, where it has them."""

    seconds: float
    video: Stream | None
    sound: Sound | None


def described(media: Media, found: Probe) -> Media:
    """`media` with the size and the length that were found in it."""
    size = {"width": found.video.width, "height": found.video.height} if found.video else {}
    return media.model_copy(update={**size, "seconds": round(found.seconds, 3)})


MAX_REORDERED_FRAMES = 16
"""By how many frames the order of decoding may differ from that of showing (H.264, A.3.1; HEVC)."""
STATED_STEP = 0.01
"""Seconds between two lengths that FFmpeg tells apart when it says what a file states."""
_DURATION = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d\.\d+)")
_STREAM = re.compile(r"^  Stream #0:\d+(?:\[0x[0-9a-f]+\])?(?:\(\w+\))?: (\w+): (\w+)(.*)$")
_SIZE = re.compile(r", (\d+)x(\d+)(?=[ ,]|$)")
_RATE = re.compile(r", ([\d.]+)(k?) (fps|tbr)")
_TURNED = re.compile(r"^ +display ?matrix: rotation of (-?\d+)", re.IGNORECASE)


def probe(path: Path, mime: str, bounds: Bounds | None = None, watch: Watch | None = None) -> Probe:
    """Look at the file, which `engine.media.sniff` said is `mime`.

    Raises BadInput where it is damaged or has neither sound nor moving pictures, TooLarge where it is over `bounds`,
    and what a child raises.
    """
    try:
        head, told = _read(path, mime, watch or Watch(seconds=LIMIT))
        found = _found(head, told)
    except FFmpegFailed as error:
        log.info("not readable", said=str(error)[-500:])
        found = None
    if found is None or not (found.video or found.sound):
        raise BadInput("There is no sound or video in the file that can be read. Attach another one.")
    _check(found, bounds or Bounds())
    return found


def _read(path: Path, mime: str, watch: Watch) -> tuple[list[str], dict[str, str]]:
    """What FFmpeg says of the input, and its last progress report after reading it to the end."""
    import ffmpeg

    source = opened(path, mime)
    copied = ffmpeg.output(source["V:0?"], source["a:0?"], "pipe:", f="null", c="copy")
    with child(copied, watch, "-nostats", "-progress", "pipe:1", loglevel="info") as one:
        told = dict(line.decode(errors="replace").strip().split("=", 1) for line in one.out if b"=" in line)
    mapped = next((at for at, line in enumerate(one.head) if line.startswith("Stream mapping:")), len(one.head))
    return one.head[:mapped], told


def _found(head: list[str], told: dict[str, str]) -> Probe:
    frames = int(told.get("frame", "0"))
    streams = [(match, index) for index, line in enumerate(head) if (match := _STREAM.match(line))]
    if len(streams) > STREAMS:
        raise BadInput(
            "The file has {count} streams; at most {bound} are read here. Attach a plain sound or video.",
            count=len(streams),
            bound=STREAMS,
        )
    video = next((at for at in streams if at[0][1] == "Video" and "(attached pic)" not in at[0][3]), None)
    sound = next((match for match, _ in streams if match[1] == "Audio"), None)
    seconds = seconds_of(told) or _duration(head)
    stream = _video(video[0], _details(head, video[1]), frames, seconds) if video else None
    return Probe(
        seconds=_shown_until(seconds, stream, _duration(head)) if stream else seconds,
        video=stream,
        sound=Sound(sound[2]) if sound else None,
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


def _video(match: re.Match[str], details: list[str], frames: int, seconds: float) -> Stream | None:
    size, rate = _SIZE.search(match[3]), _RATE.search(match[3])
    if not size or not frames:
        return None
    width, height = int(size[1]), int(size[2])
    turns = [int(turned[1]) for line in details if (turned := _TURNED.match(line))]
    if turns and turns[0] % 180 != 0:
        width, height = height, width
    found = float(rate[1]) * (1000 if rate[2] else 1) if rate else 0
    if rate and found and rate[3] == "tbr" and seconds > 1 / found:
        # Of a GIF FFmpeg 5 tells only how finely its times are stored.
        found = min(found, (frames - 1) / (seconds - 1 / found) or found)
    return Stream(match[2], width, height, min(found, 120.0) or 25.0, frames)


def _details(head: list[str], index: int) -> list[str]:
    """The indented lines under a stream's own."""
    following = next((at for at in range(index + 1, len(head)) if not head[at].startswith("    ")), len(head))
    return head[index + 1 : following]


def _duration(head: list[str]) -> float:
    found = next((match for line in head if (match := _DURATION.match(line))), None)
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3]) if found else 0.0


def _check(found: Probe, bounds: Bounds) -> None:
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
