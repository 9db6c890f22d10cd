"""Read the fonts in the weights folder with HarfBuzz: coverage, widths of text, and font files for libass.

Most of the fonts are variable. libass draws a variable font at its default weight and emboldens that artificially, and
the default weight of Noto CJK is its thinnest. Each text therefore gets static fonts of its own, with the characters
and the weights that it uses.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import regex

from engine.tasks.subtitle.drawing.fonts import BOLD, EMOJI, FILES, ITALIC, LATIN, REGULAR, SYMBOLS, fallback_order
from engine.weights import registry

WEIGHT_NAMES = ("noto", "noto-serif", "noto-cjk")
"""The fonts in weights.toml. They share one folder."""
CLUSTERS = regex.compile(r"\X")
"""Grapheme clusters: what a reader sees as one character, such as a letter with accents or a family emoji (UAX #29)."""
IS_EMOJI = regex.compile(r"\p{Emoji_Presentation}|[\uFE0F\u20E3]")
IS_INVISIBLE = regex.compile(r"[\p{M}\p{Cf}\p{Cc}\p{Z}]*")
"""Marks and spaces, which use the font of the text before them."""
EMOJI_SELECTOR = regex.compile("\ufe0f")
"""Variation selector 16, which asks for the emoji form of a character. It has no use once the font is chosen."""
IS_SPACE = regex.compile(r"\s+")

Run = tuple[str, str]
"""A font family and the text that it draws."""


@lru_cache(maxsize=4)
def load_typefaces(weights: Path) -> "Typefaces":
    """Return the fonts in the weights folder `weights`. Raises MissingModel if any of them is missing."""
    return Typefaces(min(registry.path_or_raise(name, weights) for name in WEIGHT_NAMES))


class Typefaces:
    """The fonts in `folder`. A family is called by its name in ASS."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._faces: dict[str, Any] = {}
        self._fonts: dict[tuple[str, int], Any] = {}
        self._families: dict[tuple[str, str, str], str] = {}
        self._widths: dict[tuple[str, str, int], float] = {}

    def split_runs(self, text: str, language: str, latin: str = LATIN) -> Iterator[Run]:
        """Yield `text` in runs of one family. Spaces after an emoji or a symbol use the Latin font."""
        piece, family = "", ""
        for cluster in CLUSTERS.findall(text):
            chosen = self._cached_family(cluster, language, latin) or family or latin
            if chosen in {EMOJI, SYMBOLS} and IS_SPACE.fullmatch(cluster):
                chosen = latin
            if piece and chosen != family:
                yield family, piece
                piece = ""
            piece, family = piece + (EMOJI_SELECTOR.sub("", cluster) if chosen == EMOJI else cluster), chosen
        if piece:
            yield family, piece

    def missing_characters(self, text: str) -> list[str]:
        """Return the characters of `text` that no font covers."""
        seen = {character for character in set(text) if not IS_INVISIBLE.fullmatch(character)}
        return sorted(character for character in seen if not any(self._has(family, character) for family in FILES))

    def line_height(self, family: str) -> float:
        """Return the line height of a font in ems: winAscent plus winDescent in its OS/2 table, which
        libass uses too.
        """
        face = self._face(family)
        ascent, descent = struct.unpack_from(">HH", face.reference_table("OS/2").data, 74)
        return float(ascent + descent) / float(face.upem)

    def measure(self, runs: Iterable[Run], weight: int) -> float:
        """Return the width of the runs in ems at one weight, shaped as libass shapes them."""
        return sum(self._cached_width(text, family, weight) for family, text in runs)

    def write_fonts(self, ass: str, folder: Path, check: Callable[[], None] = lambda: None) -> None:
        """Write the fonts that an ASS text uses to `folder`, with only its characters, in regular or bold as it needs.

        `check` is called before each font and may raise. A font takes up to 0.1 s, or 3 s with 20,000 Chinese
        characters.
        """
        folder.mkdir(exist_ok=True)
        characters = {ord(character) for character in ass if character >= " "}
        families = [family for family in FILES if f"\\fn{family}\\" in ass]
        for family in families + [ITALIC] * ("\\i1" in ass and LATIN in families):
            for weight in [REGULAR] * ("\\b0" in ass) + [BOLD] * ("\\b1" in ass):
                check()
                path = folder / f"{family.replace(' ', '')}-{weight}.ttf"
                path.write_bytes(self._subset(family, weight, characters))

    def _cached_family(self, cluster: str, language: str, latin: str) -> str:
        """Return the family that draws the cluster, or "" for spaces and lone marks."""
        key = (cluster, language, latin)
        if key not in self._families:
            if len(self._families) > MAX_CACHE_ENTRIES:
                self._families.clear()
            self._families[key] = "" if IS_INVISIBLE.fullmatch(cluster) else self._find_family(*key)
        return self._families[key]

    def _find_family(self, cluster: str, language: str, latin: str) -> str:
        if IS_EMOJI.search(cluster) and self._has(EMOJI, cluster):
            return EMOJI
        return next((family for family in fallback_order(language, latin) if self._has(family, cluster)), latin)

    def _has(self, family: str, cluster: str) -> bool:
        covered = self._face(family).unicodes
        return all(ord(character) in covered for character in cluster if not IS_INVISIBLE.fullmatch(character))

    def _cached_width(self, text: str, family: str, weight: int) -> float:
        key = (text, family, weight)
        if key not in self._widths:
            if len(self._widths) > MAX_CACHE_ENTRIES:
                self._widths.clear()
            self._widths[key] = self._measure(*key)
        return self._widths[key]

    def _measure(self, text: str, family: str, weight: int) -> float:
        import uharfbuzz

        if (family, weight) not in self._fonts:
            font = uharfbuzz.Font(self._face(family))
            font.set_variations({"wght": weight})
            self._fonts[family, weight] = font
        buffer = uharfbuzz.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        uharfbuzz.shape(self._fonts[family, weight], buffer)
        advances = sum(position.x_advance for position in buffer.glyph_positions or ())
        return float(advances) / float(self._face(family).upem)

    def _face(self, family: str) -> Any:
        """Return the HarfBuzz face of a family. The file is memory-mapped."""
        if family not in self._faces:
            self._faces[family] = self._open(family)
        return self._faces[family]

    def _open(self, family: str) -> Any:
        import uharfbuzz

        blob = uharfbuzz.Blob.from_file_path(str(self._folder / FILES[family]))
        count = struct.unpack(">I", blob.data[8:12])[0] if blob.data[:4] == b"ttcf" else 1
        faces = [uharfbuzz.Face(blob, index) for index in range(count)]
        return faces[0] if count == 1 else next(face for face in faces if face.get_name(1) == family)

    def _subset(self, family: str, weight: int, characters: set[int]) -> bytes:
        import uharfbuzz

        face, wanted = self._face(family), uharfbuzz.SubsetInput()
        wanted.sets(uharfbuzz.SubsetInputSets.UNICODE).update(characters)
        for kept in (uharfbuzz.SubsetInputSets.LAYOUT_FEATURE_TAG, uharfbuzz.SubsetInputSets.NAME_ID):
            wanted.sets(kept).clear()
            wanted.sets(kept).invert()  # keep all
        wanted.flags |= uharfbuzz.SubsetFlags.NOTDEF_OUTLINE  # draw missing characters as a box
        wanted.pin_all_axes_to_default(face)
        wanted.pin_axis_location(face, "wght", weight)
        return bytes(uharfbuzz.subset(face, wanted).blob.data)


MAX_CACHE_ENTRIES = 50_000
"""Maximum number of cached families and widths, enough for a long film."""
