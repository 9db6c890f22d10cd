"""The credits behind a clip: the camera goes on from the picture that the scene ended with."""

from pathlib import Path

import numpy as np
import pytest

from engine.core.job import Media
from engine.media.video import CancelOrTimeout, write_frames
from engine.tasks.film.camera.transitions import TRANSITION_FRAMES
from engine.tasks.film.context import FilmContext
from engine.tasks.film.film import FRAME_RATE, Film, Scene
from engine.tasks.film.segment_renderer import SegmentRenderer
from engine.tasks.film.timeline import Footage, Segment
from engine.tasks.subtitle.drawing.render import isolate_fonts
from tests.engine.tasks.film.film_harness import Studio, seen

COUNT = 20
SIDE = (1280, 720)


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path)


def brightening(studio: Studio, frames: int) -> Media:
    """A clip that goes from black to white."""
    path = studio.folder / "clip.mp4"
    levels = (round(255 * at / (frames - 1)) for at in range(frames))
    write_frames((np.full((*SIDE[::-1], 3), level, np.uint8) for level in levels), path, FRAME_RATE, CancelOrTimeout())
    return studio.kept(path)


def credited(studio: Studio, clip: Media, lead: float) -> list[float]:
    """How bright each frame of the credits after a scene of COUNT frames is."""
    work = FilmContext(Film((Scene(motion="live"),), credits="The end"), studio.context("scenes"))
    folder = studio.folder / "work"
    folder.mkdir()
    isolate_fonts(folder)
    camera = SegmentRenderer(work, folder)
    shown = Footage(clip, waits_for_speech=lead > 0)
    camera.render(Segment("scene 0", 0, COUNT, "cut"), shown, lead, lambda _: None)[1]()
    card = Segment("credits", 0, 40, "crossfade", "The end", "credits")
    made = camera.render(card, shown, 0.0, lambda _: None)[1]()
    camera.close()
    return [float(frame[:40].mean()) for frame in seen(made.media[0])]


@pytest.mark.parametrize("lead", [0.0, 0.2])
def test_credits_stand_on_the_picture_that_a_clip_ends_with(studio: Studio, lead: float) -> None:
    ending = COUNT - round(lead * FRAME_RATE) + TRANSITION_FRAMES["crossfade"]
    bright = credited(studio, brightening(studio, ending), lead)
    assert bright[-1] == pytest.approx(0.45 * 255, abs=4)  # a card is so much darker than its picture


def test_credits_stand_on_where_a_longer_clip_is_left(studio: Studio) -> None:
    left = COUNT + TRANSITION_FRAMES["crossfade"]
    bright = credited(studio, brightening(studio, 4 * left), 0.0)
    assert bright[-1] == pytest.approx(0.45 * 255 / 4, abs=4)
