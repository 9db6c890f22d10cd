"""Find out what an audio or video file contains, and whether it is within the limits."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from engine.core.errors import BadInput, TooLarge, UserMessage
from engine.core.job import Media
from engine.media.video.child import CancelOrTimeout, FFmpegFailed
from engine.media.video.colours import Colours
from engine.media.video.description import Description, StreamDescription, describe, preferred_sound

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


def probe(path: Path, mime: str, bounds: ProbeLimits | None = None, watch: CancelOrTimeout | None = None) -> Probe:
    """Read the file, whose type by `engine.media.files.sniff` is `mime`, and return what it contains.

    Raises BadInput if the file is damaged or has neither audio nor video, TooLarge if it exceeds `bounds`, Cancelled
    and TimedOut.
    """
    try:
        found = _to_probe(describe(path, mime, watch or CancelOrTimeout(seconds=TIMEOUT_SECONDS)))
    except FFmpegFailed as error:
        log.info("FFmpeg cannot read the file", ffmpeg=str(error)[-500:])
        found = None
    if found is None or not (found.video or found.sound):
        raise BadInput("The file has no readable audio or video. Attach another file.")
    _check(found, bounds or ProbeLimits())
    return found


def _to_probe(description: Description) -> Probe:
    streams = description.streams
    if len(streams) > MAX_STREAMS:
        raise BadInput(
            "The file has {count:,} stream; the limit is {bound}. Attach a plain audio or video file.",
            plural="The file has {count:,} streams; the limit is {bound}. Attach a plain audio or video file.",
            count=len(streams),
            bound=MAX_STREAMS,
        )
    video = next((stream for stream in streams if stream.picture), None)
    sound = preferred_sound(streams)
    return Probe(
        seconds=description.seconds,
        video=_to_video(video, description.seconds) if video else None,
        sound=_to_sound(sound, streams) if sound else None,
    )


def _to_video(stream: StreamDescription, seconds: float) -> Stream | None:
    """Return the video stream, or None if it has no frame or FFmpeg cannot tell its size or pixel format."""
    picture = stream.picture
    assert picture is not None
    if not (stream.frames and picture.layout and picture.width and picture.height):
        return None
    decoder = ALPHA_DECODERS.get(stream.codec) if picture.has_hidden_alpha else None
    colours = replace(picture.colours, layout="yuva420p") if decoder else picture.colours
    rate = picture.rate or (stream.frames / seconds if seconds else DEFAULT_FRAMES_PER_SECOND)
    return Stream(
        stream.codec,
        *stream.shown,
        rate=min(rate, MAX_FRAMES_PER_SECOND),
        frames=stream.frames,
        index=stream.index,
        coded=(picture.width, picture.height),
        colours=colours,
        decoder=decoder,
    )


def _to_sound(sound: StreamDescription, streams: tuple[StreamDescription, ...]) -> Sound:
    sounds = [stream.index for stream in streams if stream.kind == "audio"]
    return Sound(sound.codec, sound.index, sound.layout, len(sounds), sounds.index(sound.index) + 1)


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
