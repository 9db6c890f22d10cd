"""What a recording contains, as read by PyAV in the program `describe`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from engine.media.video.child import CancelOrTimeout, run_child
from engine.media.video.colours import Colours, name_colours
from engine.media.video.limits import max_coded_pixels
from engine.media.video.source import DEMUXERS, PROTOCOLS

PROGRAM = Path(__file__).with_name("describe.py")
MIN_PIXEL_ASPECT, MAX_PIXEL_ASPECT = 1 / 4, 4
"""Range of a pixel's width divided by its height. A value outside it is an error in the file and counts as square."""
QUARTER_TURNS = (89, 90)
"""Rotations in whole degrees, rounded down, that FFmpeg takes for a quarter turn. It keeps the size for all others."""
FULL_RANGE = 2
"""Code of the colour range in which 0 is black and 255 is white (AVCOL_RANGE_JPEG)."""
INTERLACED = (2, 3, 4, 5)
"""Codes of the field orders of interlaced video (AV_FIELD_TT to AV_FIELD_BT)."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PictureDescription(_Model):
    """The frames of a video stream. `width` and `height` are as coded, in pixels.

    `rate` is in frames per second, or 0 if it is unknown. `pixel_aspect` is a pixel's width divided by its height. The
    colours are code points of ITU-T H.273.
    """

    width: int
    height: int
    layout: str | None
    rate: float
    pixel_aspect: float
    colour_range: int
    matrix: int
    primaries: int
    transfer: int
    field_order: int
    has_hidden_alpha: bool

    @property
    def colours(self) -> Colours:
        """Return the pixel format and the colour tags."""
        layout = self.layout or ""
        return Colours(
            layout,
            *name_colours(self.matrix, self.primaries, self.transfer),
            is_full=self.colour_range == FULL_RANGE or layout.startswith("yuvj"),
            is_interlaced=self.field_order in INTERLACED,
        )


class StreamDescription(_Model):
    """A stream. Only `index` and `kind` are set for one that is not read: a cover, or one that FFmpeg cannot decode.

    `layout` is FFmpeg's name of the channels of audio, such as "stereo", "5.1(side)" or "10 channels". `rotation` is
    that of the first picture, in degrees.
    """

    index: int
    kind: Literal["video", "audio", "data", "subtitle", "attachment", "unknown"]
    codec: str = ""
    frames: int = 0
    rotation: int = 0
    is_default: bool = False
    is_extra: bool = False
    layout: str = ""
    picture: PictureDescription | None = None

    @property
    def shown(self) -> tuple[int, int]:
        """Return the width and height of a video as displayed: upright and with square pixels."""
        assert self.picture is not None
        width, height = _with_square_pixels(self.picture.width, self.picture.height, self.picture.pixel_aspect)
        return (height, width) if abs(self.rotation) in QUARTER_TURNS else (width, height)


class Description(_Model):
    """A recording. `seconds` is the time at which its last frame or sample ends, from the recording's time zero."""

    seconds: float
    streams: tuple[StreamDescription, ...]


def describe(path: Path, mime: str, watch: CancelOrTimeout) -> Description:
    """Return what the file, of the MIME type that `sniff` detected, contains.

    Raises FFmpegFailed if it cannot be read, TooLarge, Cancelled and TimedOut.
    """
    options = (str(path.absolute()), DEMUXERS[mime], PROTOCOLS, str(max_coded_pixels()))
    with run_child([sys.executable, "-P", str(PROGRAM), *options], watch) as child:
        report = child.stdout.read()
    return Description.model_validate_json(report)


def preferred_sound(streams: Sequence[StreamDescription]) -> StreamDescription | None:
    """Return the audio that a player would choose: the default one, or else the first that is not a commentary."""
    sounds = [stream for stream in streams if stream.kind == "audio" and stream.codec]
    return min(sounds, key=lambda sound: (not sound.is_default, sound.is_extra, sound.index), default=None)


def _with_square_pixels(width: int, height: int, aspect: float) -> tuple[int, int]:
    """Return the size with square pixels. One side is enlarged, so that no detail is lost."""
    if not MIN_PIXEL_ASPECT <= aspect <= MAX_PIXEL_ASPECT:
        return width, height
    return (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))
