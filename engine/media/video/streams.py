"""Parse FFmpeg's description of a recording: each line that starts with "Stream #0:" and those indented under it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from engine.media.video.colours import Colours

MIN_PIXEL_ASPECT, MAX_PIXEL_ASPECT = 1 / 4, 4
"""Range of a pixel's width divided by its height. A value outside it is an error in the file and counts as square."""

_STREAM = re.compile(r"^  Stream #0:(\d+)(?:\[0x[0-9a-f]+\])?(?:\(\w+\))?: (\w+): (\w+)(.*)$")
_PICTURE = re.compile(r", (\w+)(?:\(((?:[^()]|\([^()]*\))*)\))?, (\d+)x(\d+)(?=[ ,]|$)")
_PIXEL_ASPECT = re.compile(r"\bSAR (\d+):(\d+)")
_RATE = re.compile(r", ([\d.]+)(k?) (fps|tbr)")
_ROTATION = re.compile(r"^ +display ?matrix: rotation of (-?\d+)", re.IGNORECASE)
_SOUND = re.compile(r", (\d+) Hz, ([^,]+)")


@dataclass(frozen=True)
class Line:
    """A stream as FFmpeg prints it: its number in the file, kind, codec, the line's `rest` and the lines `below` it."""

    index: int
    kind: str
    codec: str
    rest: str
    below: tuple[str, ...]

    @property
    def is_default(self) -> bool:
        """Return whether the file marks this stream as the default."""
        return "(default)" in self.rest

    @property
    def is_extra(self) -> bool:
        """Return whether the stream is a commentary, or made for people with impaired hearing or vision."""
        return any(mark in self.rest for mark in ("(comment)", "(visual impaired)", "(hearing impaired)"))

    @property
    def is_cover(self) -> bool:
        """Return whether the stream is a cover picture rather than a video."""
        return "(attached pic)" in self.rest


@dataclass(frozen=True)
class Picture:
    """The width and height of a frame in pixels, as `coded` and as `shown`, and its frame rate and colours.

    `shown` is the size after rotation and with square pixels. `rate` is in frames per second. `is_exact` is False if
    the rate is only the resolution of the timestamps.
    """

    coded: tuple[int, int]
    shown: tuple[int, int]
    rate: float
    is_exact: bool
    colours: Colours


def input_lines(head: Sequence[str]) -> list[str]:
    """Return the lines about the input. FFmpeg 5 prints the output's streams after them, in the same form."""
    return list(takewhile(lambda text: not text.startswith(("Output #0", "Stream mapping:")), head))


def parse_streams(head: Sequence[str]) -> Iterator[Line]:
    """Yield the streams in FFmpeg's description, in the order of the file."""
    for at, text in enumerate(head):
        if found := _STREAM.match(text):
            following = range(at + 1, len(head))
            end = next((number for number in following if not head[number].startswith("    ")), len(head))
            yield Line(int(found[1]), found[2], found[3], found[4], tuple(head[at + 1 : end]))


def preferred_stream(streams: Sequence[Line]) -> Line | None:
    """Return the stream that a player would choose: the default one, or else the first that is not a commentary."""
    return min(streams, key=lambda line: (not line.is_default, line.is_extra, line.index), default=None)


def parse_picture(line: Line) -> Picture | None:
    """Return the size, frame rate and colours of a video stream, or None if FFmpeg found no size."""
    found, rate = _PICTURE.search(line.rest), _RATE.search(line.rest)
    if not found:
        return None
    coded = int(found[3]), int(found[4])
    return Picture(
        coded,
        _shown_size(coded, _pixel_aspect(line.rest), _rotation_degrees(line.below)),
        float(rate[1]) * (1000 if rate[2] else 1) if rate else 0.0,
        bool(rate and rate[3] == "fps"),
        Colours.of(found[1], found[2] or ""),
    )


def parse_layout(line: Line) -> str:
    """Return FFmpeg's name of an audio stream's channels, such as "stereo", "5.1(side)" or "10 channels"."""
    found = _SOUND.search(line.rest)
    return found[2].strip() if found else ""


def _shown_size(coded: tuple[int, int], pixel_aspect: float, rotation: int) -> tuple[int, int]:
    """Return the width and height with square pixels. One side is enlarged, so that no detail is lost."""
    width, height = coded
    if pixel_aspect > 1:
        width = round(width * pixel_aspect)
    elif pixel_aspect < 1:
        height = round(height / pixel_aspect)
    return (height, width) if rotation % 180 else (width, height)


def _pixel_aspect(rest: str) -> float:
    """Return a pixel's width divided by its height. The last value is the container's, which takes precedence."""
    values = _PIXEL_ASPECT.findall(rest)
    wide, high = map(int, values[-1]) if values else (1, 1)
    aspect = wide / high if wide and high else 1.0
    return aspect if MIN_PIXEL_ASPECT <= aspect <= MAX_PIXEL_ASPECT else 1.0


def _rotation_degrees(below: Sequence[str]) -> int:
    """Return the rotation of the picture in degrees."""
    return next((int(found[1]) for line in below if (found := _ROTATION.match(line))), 0)
