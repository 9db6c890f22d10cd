"""A GPU's encoder that fails in mid-film: x264 takes that clip over, from its first frame on."""

from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.media.video import CancelOrTimeout, FFmpegFailed
from engine.tasks.film import segment_renderer
from engine.tasks.film.encoding import encoder
from tests.engine.tasks.film.film_harness import Studio, seen

FAILING = {**encoder.NVENC, "gpu": 99}
"""NVENC on a card that no machine has."""
SCRIPT = "A red apple\nseconds: 1\nmotion: {}\n\nThe sun\nseconds: 1\nmotion: still"
NOTE = "The GPU's video encoder failed, so parts of this video were encoded on the CPU."


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path)


def film(studio: Studio, motion: str) -> tuple[list[NDArray[np.uint8]], list[str]]:
    made = studio.make("scenes", script=SCRIPT.format(motion), make="film", seed=3)
    return seen(made.media[0]), [note.template for note in made.notes]


def test_this_encoder_fails(tmp_path: Path) -> None:
    frames = repeat(np.full((1080, 1280), 128, np.uint8), 5)
    with pytest.raises(FFmpegFailed):
        encoder.encode_segment(frames, (1280, 720), tmp_path / "a.mp4", CancelOrTimeout(), options=FAILING)


@pytest.mark.parametrize("fails", [0, 1])
def test_a_clip_whose_encoder_fails_is_encoded_by_x264_and_that_is_said(
    studio: Studio, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, fails: int
) -> None:
    whole, notes = film(Studio(tmp_path_factory.mktemp("other")), "zoom")
    assert NOTE not in notes
    works = {**encoder.X264, "bf": 0, "coder": "vlc", "profile": "baseline"}  # as another encoder's would be
    turns: Iterator[dict[str, Any]] = chain([works] * fails, repeat(FAILING))
    encode = encoder.encode_segment

    def encode_with_failures(*film: Any, options: dict[str, Any], **more: Any) -> None:
        encode(*film, options=next(turns) if options is FAILING else options, **more)

    monkeypatch.setattr(segment_renderer, "detect_encoder", lambda: FAILING)
    monkeypatch.setattr(segment_renderer, "encode_segment", encode_with_failures)
    frames, notes = film(studio, "zoom")
    assert NOTE in notes
    assert len(frames) == len(whole) == 60
    apart = [np.abs(a.astype(int) - b).mean() for a, b in zip(frames, whole, strict=True)]
    assert max(apart) < 3
