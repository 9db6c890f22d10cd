"""`motion: live`: the whole road of /video and /scenes with a small random LTX-Video, and what is refused without."""

from pathlib import Path

import numpy as np
import pytest

from bot.core.capabilities import check_supported, model_identity
from engine.core.errors import BadInput
from engine.media.video import probe
from engine.tasks.film.scenes_task import Params as Scenes
from engine.tasks.film.video_task import Params
from engine.tasks.text_to_video import backends
from engine.tasks.text_to_video.ltx import generator, resolution
from tests.engine.tasks.film.film_harness import Studio, seen
from tests.tiny_ltx import save_tiny_ltx


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """One whose owner has named a video model."""
    folder = save_tiny_ltx(tmp_path_factory.mktemp("ltx"))
    return Studio(tmp_path_factory.mktemp("studio"), video=str(folder))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "STEPS", 2)
    monkeypatch.setattr(resolution, "SIZES", {"wide": (160, 96)})


def test_words_alone_come_alive_in_a_clip_with_a_voice_and_nothing_is_drawn(studio: Studio) -> None:
    made = studio.make("video", prompt="a ship", text="Night falls.", motion="live", subtitles=True)
    found = probe(made.media[0].path, made.media[0].mime)
    assert found.video
    assert (found.video.width, found.video.height) == (1280, 720)
    assert found.sound
    assert made.facts["backend"] == "ltx + ffmpeg"
    assert made.facts["tier"] == "full"
    assert "tiny-LTXConditionPipeline" in str(made.facts["model"])
    assert {told.stage for told in studio.told} >= {"animating", "rendering"}
    frames = seen(made.media[0])
    assert np.abs(frames[0].astype(int) - frames[len(frames) // 2]).mean() > 0.5
    assert "Night falls." in made.media[1].path.read_text()


def test_a_picture_comes_alive_from_itself_on_and_auto_says_that_it_does(studio: Studio) -> None:
    picture = studio.picture()
    made = studio.make("video", image=picture, seconds=1)
    assert made.facts["backend"] == "ltx + ffmpeg"
    assert [note.template for note in made.notes] == [
        "{model} animated this because you didn't choose a motion. zoom and pan are faster."
    ]
    asked = studio.make("video", image=picture, seconds=1, motion="zoom")
    assert asked.facts["backend"] == "ffmpeg"
    assert not asked.notes


def test_a_scene_of_a_film_comes_alive_from_its_storyboards_picture_and_is_made_once(studio: Studio) -> None:
    script = "A red apple\nseconds: 1\nmotion: live\n\nThe sun\nseconds: 1\nmotion: still"
    made = studio.make("scenes", script=script, make="film", seed=3)
    assert "pocket" in str(made.facts["model"])
    assert "tiny-LTX" in str(made.facts["model"])
    studio.told.clear()
    again = studio.make("scenes", script=script.replace("The sun", "A ship"), make="film", seed=3)
    assert len(seen(again.media[0])) == 60
    assert not any("motion" in told.stage for told in studio.told)


def test_without_a_model_live_is_refused_by_name(tmp_path: Path) -> None:
    plain = Studio(tmp_path)
    for task, params in (
        ("video", Params(prompt="a", motion="live")),
        ("scenes", Scenes(script="a cat\nmotion: live")),
    ):
        with pytest.raises(
            BadInput,
            match=r"motion “live” is not available here; /status says why\. Available: auto, still, pan, zoom",
        ):
            check_supported(params, plain.services[task])
    check_supported(Params(prompt="a"), plain.services["video"])


def test_another_model_makes_another_video_and_leaves_the_others_in_the_cache(studio: Studio, tmp_path: Path) -> None:
    plain, alive = Studio(tmp_path).services["video"], studio.services["video"]
    assert backends.identity(studio.settings)
    assert alive.extras["motion live"].model == backends.identity(studio.settings)
    assert (plain.extras["motion live"].model, str(alive.extras["motion live"].why)) == ("", "Chosen in config.toml.")
    for motion in ("live", "auto"):
        if motion != "live":
            assert model_identity(Params(prompt="a"), plain) != model_identity(Params(prompt="a"), alive)
        assert backends.identity(studio.settings) in model_identity(Params(prompt="a", motion=motion), alive)
    assert model_identity(Params(prompt="a", motion="pan"), plain) == model_identity(
        Params(prompt="a", motion="pan"), alive
    )
