"""Parallax by a network that sees depth, a small random one, and what is said where there is none."""

from pathlib import Path

import numpy as np
import pytest

from bot.core.capabilities import model_identity
from engine.core.errors import MissingModel
from engine.media.rgb import load_rgb
from engine.tasks.film.camera import depth_reader
from engine.tasks.film.video_task import Params
from tests.engine.tasks.film.film_harness import Studio, seen
from tests.tiny_sdxl import save_tiny_depth


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_depth(tmp_path_factory.mktemp("networks") / "tiny-depth")


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory, network: Path) -> Studio:
    """One whose owner has named a network that sees depth."""
    return Studio(tmp_path_factory.mktemp("seeing"), **{"control:depth-reader": str(network)})


@pytest.fixture(scope="module")
def blind(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return Studio(tmp_path_factory.mktemp("blind"))


def test_the_network_tells_the_depth_of_parallax_and_the_result_says_so(seeing: Studio, blind: Studio) -> None:
    by_network, by_layers = (
        studio.make("video", image=studio.picture(), motion="parallax", seconds=1) for studio in (seeing, blind)
    )
    assert by_network.facts["depth"] == "tiny-depth"
    assert by_network.notes == ()
    assert by_layers.facts["depth"] == "layers"
    assert [str(note) for note in by_layers.notes] == ["Parallax is approximate, because no depth model is installed."]
    frames = [seen(made.media[0])[-1].astype(int) for made in (by_network, by_layers)]
    assert np.abs(frames[0] - frames[1]).mean() > 0.5


def test_auto_goes_by_the_network_too_and_says_nothing_where_there_is_none(blind: Studio) -> None:
    made = blind.make("scenes", script="a cat\nseconds: 1", make="film", seed=2)
    assert made.facts["depth"] == "layers"
    assert not any("Parallax" in str(note) for note in made.notes)


def test_a_depth_is_a_grey_picture_of_the_same_shape(seeing: Studio) -> None:
    with seeing.pool.use("depth") as reader:
        depth = reader.read(load_rgb(seeing.picture(1600, 900).path))
        assert depth.shape == (576, 1024, 3)
        assert (depth.min(), depth.max()) == (0, 255)
        assert reader.size > 0
    assert "depth" in seeing.pool.resident_bytes()


def test_the_same_wish_is_another_film_with_a_network(seeing: Studio, blind: Studio) -> None:
    params = Params(image=seeing.picture(), motion="parallax")
    assert model_identity(params, seeing.services["video"]) != model_identity(params, blind.services["video"])
    still = Params(image=seeing.picture(), motion="still")
    assert model_identity(still, seeing.services["video"]) == model_identity(still, blind.services["video"])


def test_no_network_is_missed_by_name(blind: Studio) -> None:
    with pytest.raises(MissingModel, match="depth-reader"):
        depth_reader.load(blind.settings)
