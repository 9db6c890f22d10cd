"""The folder that a film is made in, with the fonts that may be drawn; gone when it closes."""

import tempfile
from pathlib import Path
from typing import Self

from engine import weights
from engine.subtitles.render import FONTCONFIG
from engine.video import FONTS

NAMES = ("noto", "noto-serif", "noto-cjk")
"""Entries of weights.toml."""


class Workshop:
    """Raises MissingModel where the fonts are not in the weights folder `place`."""

    def __init__(self, place: Path) -> None:
        self._fonts = min(weights.need(name, place) for name in NAMES).absolute()
        self._place = tempfile.TemporaryDirectory(prefix="atelier-")
        self.folder = Path(self._place.name)

    def __enter__(self) -> Self:
        (self.folder / "fonts").symlink_to(self._fonts)
        (self.folder / FONTS).write_text(FONTCONFIG)
        return self

    def __exit__(self, *_: object) -> None:
        self._place.cleanup()
