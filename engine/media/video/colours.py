"""What the numbers of a video stand for, and the filters that bring every video to BT.709 on square pixels.

Values: ITU-R BT.601, BT.709, BT.2020 and BT.2100. What is not tagged is BT.601 in small pictures and BT.709 in large
ones, as players take it.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal

HD_LINES = 720
"""A picture without tags that is at least this high is BT.709."""
TAGS = {"colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709", "color_range": "tv"}
"""The tags of every video that is made here."""
HDR_TRANSFERS = {"smpte2084": "PQ", "arib-std-b67": "HLG"}
REFERENCE_NITS = 203
"""The brightness of white paper in HDR (ITU-R BT.2408); it becomes SDR's white, but for what the highlights need."""
KNEE = 0.6
"""Of SDR's white: what is darker than this in HDR is left as it is."""
FINE = "bicubic+accurate_rnd+full_chroma_int"
PEAK = 1000 / REFERENCE_NITS
"""The brightest that is told apart: most HDR is graded for 1000 nits."""

_SPACES = {"bt709": "bt709", "bt2020nc": "bt2020", "bt2020c": "bt2020", "smpte170m": "bt601", "bt470bg": "bt601"} | {
    "fcc": "fcc",
    "smpte240m": "smpte240m",
}
"""The scale filter's name of a matrix by its name in a description."""
_NAMES = re.compile(r"[\w-]+(?:/[\w-]+){0,2}")
_OTHERS = frozenset(
    "tv pc progressive left center topleft top bottomleft bottom unspecified straight premultiplied".split()  # noqa: SIM905
)
"""What else a description may say: range, order of fields, place of chroma, kind of alpha."""


@dataclass(frozen=True)
class Colours:
    """The pixel format and what was tagged; an empty string is what was not."""

    layout: str = "yuv420p"
    matrix: str = ""
    primaries: str = ""
    transfer: str = ""
    is_full: bool = False
    is_interlaced: bool = False

    @classmethod
    def of(cls, layout: str, described: str) -> "Colours":
        """Read a description such as `yuv420p10le` and `tv, bt2020nc/bt2020/smpte2084, progressive`."""
        parts = [part.strip() for part in described.split(",")]
        names = next((part for part in parts if _is_colour(part)), "unknown").split("/")
        matrix, primaries, transfer = (names * 3)[:3] if len(names) == 1 else (*names, "", "")[:3]
        matrix, primaries, transfer = (
            "" if name in {"unknown", "reserved"} else name for name in (matrix, primaries, transfer)
        )
        is_full = "pc" in parts or layout.startswith("yuvj")
        return cls(layout, matrix, primaries, transfer, is_full, any("first" in part for part in parts))

    @property
    def hdr(self) -> Literal["PQ", "HLG", ""]:
        return HDR_TRANSFERS.get(self.transfer, "")  # type: ignore[return-value]  # its two values

    @property
    def is_wide(self) -> bool:
        """Whether colours go beyond BT.709's, in HDR or not."""
        return bool(self.hdr) or self.primaries == "bt2020" or self.matrix.startswith("bt2020")

    @property
    def is_transparent(self) -> bool:
        return self.layout.startswith(("yuva", "gbrap", "rgba", "bgra", "argb", "abgr", "ya8", "ya16"))

    @property
    def is_rgb(self) -> bool:
        return self.layout.startswith(("rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal8"))

    def matrix_at(self, height: int) -> str:
        """Return the scale filter's name of the matrix of a picture that is `height` lines high."""
        return _SPACES.get(self.matrix) or ("bt2020" if self.is_wide else "bt709" if height >= HD_LINES else "bt601")


def convert_to_bt709(
    video: Any, colours: Colours, coded_height: int, size: tuple[int, int], *, rgb: bool = False
) -> Any:
    """Bring a stream of an ffmpeg-python pipeline to BT.709, progressive and opaque, of `size` on square pixels.

    Each frame is yuv420p in limited range, or rgb24. Highlights of HDR are tone-mapped; what is see-through lies on
    black.
    """
    if colours.is_interlaced:
        video = video.filter("bwdif", mode="send_frame", deint="interlaced")
    read: dict[str, Any] = {"flags": FINE}
    if not colours.is_rgb:
        read |= {"in_color_matrix": colours.matrix_at(coded_height), "in_range": "pc" if colours.is_full else "tv"}
    written = {} if rgb else {"out_color_matrix": "bt709", "out_range": "tv"}
    if colours.is_wide or colours.is_transparent:
        video = video.filter("scale", *size, **read)
        video = _opaque(video) if colours.is_transparent else _narrowed(video, colours)
        video = video.filter("scale", flags=FINE, **written)
    else:
        video = video.filter("scale", *size, **read, **written)
    video = video.filter("setsar", 1).filter("format", "rgb24" if rgb else "yuv420p")
    tagged = {"colorspace": "gbr", "range": "pc"} if rgb else {"colorspace": "bt709", "range": "tv"}
    return video.filter("setparams", color_primaries="bt709", color_trc="bt709", **tagged)


def convert_rgb_to_bt709(video: Any) -> Any:
    """Bring RGB frames of even sides to what is encoded: yuv420p in BT.709 and limited range."""
    converted = video.filter("scale", out_color_matrix="bt709", out_range="tv", flags=FINE).filter("format", "yuv420p")
    return converted.filter("setparams", color_primaries="bt709", color_trc="bt709", colorspace="bt709", range="tv")


def _opaque(video: Any) -> Any:
    return video.filter("format", "gbrap").filter("premultiply", inplace=1).filter("format", "gbrp")


def _narrowed(video: Any, colours: Colours) -> Any:
    """Colours of BT.2020, in HDR or not, as RGB of BT.709 in which REFERENCE_NITS are near white."""
    given = {"color_primaries": colours.primaries or "bt2020", "color_trc": colours.transfer or "bt709"}
    linear = {"transfer": "linear"} | ({"npl": REFERENCE_NITS} if colours.hdr else {})
    video = video.filter("format", "gbrp16").filter("setparams", colorspace="gbr", range="pc", **given)
    video = video.filter("zscale", **linear).filter("format", "gbrpf32le").filter("zscale", primaries="bt709")
    if colours.hdr:
        video = video.filter("tonemap", "mobius", param=KNEE, peak=f"{PEAK:.3f}", desat=0)
    return video.filter("zscale", transfer="bt709", dither="error_diffusion").filter("format", "gbrp")


def _is_colour(part: str) -> bool:
    """Return whether a part of a description names matrix, primaries and transfer."""
    return bool(_NAMES.fullmatch(part)) and part not in _OTHERS and not part.endswith("bpc")
