"""Names of files that are sent to people."""

from pathlib import Path

import pytest

from bot.presentation.file_names import file_name
from engine.core.job import Media

PICTURE = Media(path=Path("/media/x.png"), mime="image/png", sha256="0123456789abcdef" * 4, bytes=3)


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("A green frog, at night!", "a-green-frog-at-night-012345.png"),
        ("Árbol & niño", "arbol-nino-012345.png"),
        ("../../etc/passwd", "etc-passwd-012345.png"),
        ("緑のカエル", "0123456789ab.png"),
        ("", "0123456789ab.png"),
        ("word " * 2000, "word-word-word-word-word-word-word-word-012345.png"),
    ],
)
def test_a_file_is_named_after_its_prompt(prompt: str, name: str) -> None:
    assert file_name(PICTURE, prompt) == name
