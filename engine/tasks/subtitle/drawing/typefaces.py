"""The fonts of the weights folder, read with HarfBuzz: which has a character, how wide text is, and files for libass.

Most of them are variable. libass draws a variable font in its default weight and thickens that for bold, and Noto's CJK
begins at its thinnest. So each text gets fonts of its own: the characters that it has, in the weights that it may use.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import regex

from engine.tasks.subtitle.drawing.fonts import BOLD, EMOJI, FILES, ITALIC, LATIN, REGULAR, SYMBOLS, order
from engine.weights import registry

NAMES = ("noto", "noto-serif", "noto-cjk")
"""The fonts' entries in weights.toml; they lie in one folder."""
CLUSTERS = regex.compile(r"\X")
"""What a reader takes as one character, such as a letter with its marks or a family of emoji (UAX #29)."""
IS_EMOJI = regex.compile(r"\p{Emoji_Presentation}|[\uFE0F\u20E3]")
IS_UNSEEN = regex.compile(r"[\p{M}\p{Cf}\p{Cc}\p{Z}]*")
"""Marks and spaces, which stay in the font of what is before them."""
VARIANT = regex.compile("\ufe0f")
"""Asks for an emoji where the character is a sign too. Once the font is chosen it has said that."""
IS_SPACE = regex.compile(r"\s+")

Run = tuple[str, str]
"""A family, and text that it draws."""


@lru_cache(maxsize=4)
def typefaces(places: Path) -> "Typefaces":
    """Return the fonts of a weights folder. Raises MissingModel where they are not all there."""
    return Typefaces(min(registry.path_or_raise(name, places) for name in NAMES))


class Typefaces:
    """The fonts in `folder`. A family is the name that ASS calls it by."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._faces: dict[str, Any] = {}
        self._fonts: dict[tuple[str, int], Any] = {}
        self._families: dict[tuple[str, str, str], str] = {}
        self._widths: dict[tuple[str, str, int], float] = {}

    def runs(self, text: str, language: str, latin: str = LATIN) -> Iterator[Run]:
        """Yield `text` in pieces of one family each. Spaces after an emoji or a sign are of the Latin font."""
        held, family = "", ""
        for cluster in CLUSTERS.findall(text):
            found = self._family(cluster, language, latin) or family or latin
            if found in {EMOJI, SYMBOLS} and IS_SPACE.fullmatch(cluster):
                found = latin
            if held and found != family:
                yield family, held
                held = ""
            held, family = held + (VARIANT.sub("", cluster) if found == EMOJI else cluster), found
        if held:
            yield family, held

    def lacking(self, text: str) -> list[str]:
        """Return the characters of `text` that no font here has."""
        seen = {each for each in set(text) if not IS_UNSEEN.fullmatch(each)}
        return sorted(each for each in seen if not any(self._has(family, each) for family in FILES))

    def height(self, family: str) -> float:
        """Return the height of a font in ems: OS/2's winAscent and winDescent, by which libass sizes text."""
        face = self._face(family)
        ascent, descent = struct.unpack_from(">HH", face.reference_table("OS/2").data, 74)
        return float(ascent + descent) / float(face.upem)

    def width(self, runs: Iterable[Run], weight: int) -> float:
        """Return the width in ems of text in one weight, shaped as libass shapes it."""
        return sum(self._width(text, family, weight) for family, text in runs)

    def write(self, ass: str, folder: Path, check: Callable[[], None] = lambda: None) -> None:
        """Write to `folder` the fonts that the ASS text names, with its characters alone, regular or bold as it asks.

        `check` is called before each font and may raise. A font takes 0.1 s at most, 3 s with 20,000 Chinese letters.
        """
        folder.mkdir(exist_ok=True)
        characters = {ord(each) for each in ass if each >= " "}
        families = [family for family in FILES if f"\\fn{family}\\" in ass]
        for family in families + [ITALIC] * ("\\i1" in ass and LATIN in families):
            for weight in [REGULAR] * ("\\b0" in ass) + [BOLD] * ("\\b1" in ass):
                check()
                path = folder / f"{family.replace(' ', '')}-{weight}.ttf"
                path.write_bytes(self._subset(family, weight, characters))

    def _family(self, cluster: str, language: str, latin: str) -> str:
        """Return the family that draws the cluster; "" for a space or a mark alone."""
        key = (cluster, language, latin)
        if key not in self._families:
            if len(self._families) > MAX_KEPT:
                self._families.clear()
            self._families[key] = "" if IS_UNSEEN.fullmatch(cluster) else self._choose(*key)
        return self._families[key]

    def _choose(self, cluster: str, language: str, latin: str) -> str:
        if IS_EMOJI.search(cluster) and self._has(EMOJI, cluster):
            return EMOJI
        return next((family for family in order(language, latin) if self._has(family, cluster)), latin)

    def _has(self, family: str, cluster: str) -> bool:
        covered = self._face(family).unicodes
        return all(ord(each) in covered for each in cluster if not IS_UNSEEN.fullmatch(each))

    def _width(self, text: str, family: str, weight: int) -> float:
        key = (text, family, weight)
        if key not in self._widths:
            if len(self._widths) > MAX_KEPT:
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
        """Return HarfBuzz's face of a family; its file is mapped, not read."""
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
            wanted.sets(kept).invert()  # all of them
        wanted.flags |= uharfbuzz.SubsetFlags.NOTDEF_OUTLINE  # what no font has is seen as a box
        wanted.pin_all_axes_to_default(face)
        wanted.pin_axis_location(face, "wght", weight)
        return bytes(uharfbuzz.subset(face, wanted).blob.data)


MAX_KEPT = 50_000
"""Choices and widths that are remembered, as many as a long film has."""
