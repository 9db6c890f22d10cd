"""Read FFmpeg's description of a recording: the lines that begin with "Stream #0:", and what is indented under them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from engine.media.video.colours import Colours

LEAST_STRETCH, MOST_STRETCH = 1 / 4, 4
"""Pixels of another shape than this are a mistake in the file; they are taken for square."""

_STREAM = re.compile(r"^  Stream #0:(\d+)(?:\[0x[0-9a-f]+\])?(?:\(\w+\))?: (\w+): (\w+)(.*)$")
_PICTURE = re.compile(r", (\w+)(?:\(((?:[^()]|\([^()]*\))*)\))?, (\d+)x(\d+)(?=[ ,]|$)")
_STRETCH = re.compile(r"\bSAR (\d+):(\d+)")
_RATE = re.compile(r", ([\d.]+)(k?) (fps|tbr)")
_TURNED = re.compile(r"^ +display ?matrix: rotation of (-?\d+)", re.IGNORECASE)
_SOUND = re.compile(r", (\d+) Hz, ([^,]+)")


@dataclass(frozen=True)
class Line:
    """One stream as FFmpeg prints it: its number in the file, its kind, its codec, the `rest`, and the lines below."""

    index: int
    kind: str
    codec: str
    rest: str
    below: tuple[str, ...]

    @property
    def is_default(self) -> bool:
        return "(default)" in self.rest

    @property
    def is_extra(self) -> bool:
        """Whether it is a commentary, or made for people who do not hear or see well."""
        return any(mark in self.rest for mark in ("(comment)", "(visual impaired)", "(hearing impaired)"))

    @property
    def is_cover(self) -> bool:
        return "(attached pic)" in self.rest


@dataclass(frozen=True)
class Picture:
    """The size of a frame as it is coded and as it is shown, both in pixels, and its colours.

    What is shown has square pixels and is turned as the file asks. `rate` is in frames a second; `is_exact` is False
    where it tells only how finely times are stored.
    """

    coded: tuple[int, int]
    shown: tuple[int, int]
    rate: float
    is_exact: bool
    colours: Colours


def input_lines(head: Sequence[str]) -> list[str]:
    """Return the lines about the input: FFmpeg 5 goes on with the output, whose streams look alike."""
    return list(takewhile(lambda text: not text.startswith(("Output #0", "Stream mapping:")), head))


def parse_streams(head: Sequence[str]) -> Iterator[Line]:
    """Yield the streams that FFmpeg describes, in the order of the file."""
    for at, text in enumerate(head):
        if found := _STREAM.match(text):
            following = range(at + 1, len(head))
            end = next((number for number in following if not head[number].startswith("    ")), len(head))
            yield Line(int(found[1]), found[2], found[3], found[4], tuple(head[at + 1 : end]))


def preferred_stream(streams: Sequence[Line]) -> Line | None:
    """Return the stream that a player takes: the default one, or else the first that is no commentary."""
    return min(streams, key=lambda line: (not line.is_default, line.is_extra, line.index), default=None)


def parse_picture(line: Line) -> Picture | None:
    """Return the facts of a video stream; None where FFmpeg found no size."""
    found, rate = _PICTURE.search(line.rest), _RATE.search(line.rest)
    if not found:
        return None
    coded = int(found[3]), int(found[4])
    return Picture(
        coded,
        _shown(coded, _stretch(line.rest), _turns(line.below)),
        float(rate[1]) * (1000 if rate[2] else 1) if rate else 0.0,
        bool(rate and rate[3] == "fps"),
        Colours.of(found[1], found[2] or ""),
    )


def parse_layout(line: Line) -> str:
    """Return the channels of a sound in FFmpeg's words, such as "stereo", "5.1(side)" or "10 channels"."""
    found = _SOUND.search(line.rest)
    return found[2].strip() if found else ""


def _shown(coded: tuple[int, int], stretch: float, turns: int) -> tuple[int, int]:
    """Return width and height with square pixels: one side grows, so that nothing of the picture is lost."""
    width, height = coded
    if stretch > 1:
        width = round(width * stretch)
    elif stretch < 1:
        height = round(height / stretch)
    return (height, width) if turns % 180 else (width, height)


def _stretch(rest: str) -> float:
    """Return the width of a pixel by its height. The last one that is named is the container's, which rules."""
    named = _STRETCH.findall(rest)
    wide, high = map(int, named[-1]) if named else (1, 1)
    stretch = wide / high if wide and high else 1.0
    return stretch if LEAST_STRETCH <= stretch <= MOST_STRETCH else 1.0


def _turns(below: Sequence[str]) -> int:
    """Return the degrees that the picture is turned by."""
    return next((int(found[1]) for line in below if (found := _TURNED.match(line))), 0)
