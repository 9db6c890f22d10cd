"""Describe the colours of a video, and build filters that convert every video to BT.709 with square pixels.

Sources: ITU-R BT.601, BT.709, BT.2020 and BT.2100. Like players, this module treats untagged video as BT.601 if its
frames are small and as BT.709 if they are large.
"""

from dataclasses import dataclass
from typing import Any, Literal

HD_LINES = 720
"""Height in lines from which an untagged video is treated as BT.709."""
TAGS = {"colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709", "color_range": "tv"}
"""FFmpeg's output options that tag every encoded video."""
HDR_TRANSFERS = {"smpte2084": "PQ", "arib-std-b67": "HLG"}
REFERENCE_NITS = 203
"""Brightness of diffuse white in HDR (ITU-R BT.2408). It maps to just below SDR white, to leave room for highlights."""
TONE_MAP_KNEE = 0.6
"""Share of SDR white below which tone mapping leaves HDR brightness unchanged."""
TONE_MAP_PEAK = 1000 / REFERENCE_NITS
"""Brightest value that tone mapping preserves, relative to diffuse white. Most HDR is graded for 1000 nits."""
SCALE_FLAGS = "bicubic+accurate_rnd+full_chroma_int"

_SPACES = {"bt709": "bt709", "bt2020nc": "bt2020", "bt2020c": "bt2020", "smpte170m": "bt601", "bt470bg": "bt601"} | {
    "fcc": "fcc",
    "smpte240m": "smpte240m",
}
"""The scale filter's name of a colour matrix, by FFmpeg's name of it."""
_MATRICES = {
    0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco", 9: "bt2020nc",
    10: "bt2020c", 14: "ictcp",
}  # fmt: skip
_PRIMARIES = {
    1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020", 10: "smpte428",
    11: "smpte431", 12: "smpte432", 22: "ebu3213",
}  # fmt: skip
_TRANSFERS = {
    1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear", 9: "log100", 10: "log316",
    11: "iec61966-2-4", 12: "bt1361e", 13: "iec61966-2-1", 14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084",
    17: "smpte428", 18: "arib-std-b67",
}  # fmt: skip
"""FFmpeg's names by the code points of ITU-T H.273, tables 4, 2 and 3. Other codes are reserved or unspecified."""


@dataclass(frozen=True)
class Colours:
    """The pixel format and colour tags of a video. An empty string stands for a missing tag."""

    layout: str = "yuv420p"
    matrix: str = ""
    primaries: str = ""
    transfer: str = ""
    is_full: bool = False
    is_interlaced: bool = False

    @property
    def hdr(self) -> Literal["PQ", "HLG", ""]:
        """Return the kind of HDR, or "" for SDR."""
        return HDR_TRANSFERS.get(self.transfer, "")  # type: ignore[return-value]  # its two values

    @property
    def is_wide(self) -> bool:
        """Return whether the colours may exceed BT.709's gamut or range."""
        return bool(self.hdr) or self.primaries == "bt2020" or self.matrix.startswith("bt2020")

    @property
    def is_transparent(self) -> bool:
        """Return whether the pixel format has an alpha channel."""
        return self.layout.startswith(("yuva", "gbrap", "rgba", "bgra", "argb", "abgr", "ya8", "ya16"))

    @property
    def is_rgb(self) -> bool:
        """Return whether the pixel format stores RGB or a palette, rather than YUV."""
        return self.layout.startswith(("rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal8"))

    def matrix_at(self, height: int) -> str:
        """Return the scale filter's name of the colour matrix, guessed from the `height` in lines if it is untagged."""
        return _SPACES.get(self.matrix) or ("bt2020" if self.is_wide else "bt709" if height >= HD_LINES else "bt601")


def name_colours(matrix: int, primaries: int, transfer: int) -> tuple[str, str, str]:
    """Return FFmpeg's names of the code points. A name is empty if its code is reserved or unspecified."""
    return _MATRICES.get(matrix, ""), _PRIMARIES.get(primaries, ""), _TRANSFERS.get(transfer, "")


def convert_to_bt709(
    video: Any, colours: Colours, coded_height: int, size: tuple[int, int], *, rgb: bool = False
) -> Any:
    """Convert a stream of an ffmpeg-python pipeline to progressive, opaque BT.709 with square pixels.

    `size` is the width and height of the result. Its frames are yuv420p in limited range, or rgb24 if `rgb`. HDR is
    tone-mapped, and transparent video is blended over black.
    """
    if colours.is_interlaced:
        video = video.filter("bwdif", mode="send_frame", deint="interlaced")
    source: dict[str, Any] = {"flags": SCALE_FLAGS}
    if not colours.is_rgb:
        source |= {"in_color_matrix": colours.matrix_at(coded_height), "in_range": "pc" if colours.is_full else "tv"}
    target = {} if rgb else {"out_color_matrix": "bt709", "out_range": "tv"}
    if colours.is_wide or colours.is_transparent:
        video = video.filter("scale", *size, **source)
        video = _blend_over_black(video) if colours.is_transparent else _to_bt709_gamut(video, colours)
        video = video.filter("scale", flags=SCALE_FLAGS, **target)
    else:
        video = video.filter("scale", *size, **source, **target)
    video = video.filter("setsar", 1).filter("format", "rgb24" if rgb else "yuv420p")
    tags = {"colorspace": "gbr", "range": "pc"} if rgb else {"colorspace": "bt709", "range": "tv"}
    return video.filter("setparams", color_primaries="bt709", color_trc="bt709", **tags)


def convert_rgb_to_bt709(video: Any) -> Any:
    """Convert RGB frames with even sides to yuv420p in BT.709 and limited range, ready for encoding."""
    converted = video.filter("scale", out_color_matrix="bt709", out_range="tv", flags=SCALE_FLAGS)
    return converted.filter("format", "yuv420p").filter(
        "setparams", color_primaries="bt709", color_trc="bt709", colorspace="bt709", range="tv"
    )


def _blend_over_black(video: Any) -> Any:
    return video.filter("format", "gbrap").filter("premultiply", inplace=1).filter("format", "gbrp")


def _to_bt709_gamut(video: Any, colours: Colours) -> Any:
    """Convert BT.2020 video, in HDR or not, to RGB in BT.709, with REFERENCE_NITS near white."""
    tags = {"color_primaries": colours.primaries or "bt2020", "color_trc": colours.transfer or "bt709"}
    linear = {"transfer": "linear"} | ({"npl": REFERENCE_NITS} if colours.hdr else {})
    video = video.filter("format", "gbrp16").filter("setparams", colorspace="gbr", range="pc", **tags)
    video = video.filter("zscale", **linear).filter("format", "gbrpf32le").filter("zscale", primaries="bt709")
    if colours.hdr:
        video = video.filter("tonemap", "mobius", param=TONE_MAP_KNEE, peak=f"{TONE_MAP_PEAK:.3f}", desat=0)
    return video.filter("zscale", transfer="bt709", dither="error_diffusion").filter("format", "gbrp")
