from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from training.pocket import language, pool  # noqa: E402
from training.pocket.compose import Recipes, compose  # noqa: E402
from training.pocket.placing import PLACEMENTS, Piece  # noqa: E402
from training.pocket.recipes import RecipeSampler, boxes  # noqa: E402

RED, BLUE = 0, 2


def recipe(icon: int, place: tuple[float, float, float], **more: Any) -> Recipes:
    """One icon on white."""
    icons = torch.full((1, 4), -1, dtype=torch.int32)
    places, paint = torch.zeros(1, 4, 3), torch.eye(3, 4).repeat(1, 4, 1, 1)
    icons[0, 0], places[0, 0] = icon, torch.tensor(place)
    ground = torch.ones(1, 14)
    ground[:, 13] = 0
    return Recipes(icons, places, more.get("paint", paint), torch.zeros(1, 4), ground)


def test_an_icon_lands_where_its_recipe_says(rgba: NDArray[np.uint8]) -> None:
    picture = (compose(torch.from_numpy(rgba), recipe(RED, (0.5, 0.5, -0.5)))[0] + 1) / 2
    inside, outside = picture[:, 32, 96], picture[:, 96, 32]
    assert inside.tolist() == pytest.approx([220 / 255, 40 / 255, 40 / 255], abs=0.01)
    assert outside.tolist() == pytest.approx([1, 1, 1], abs=0.01)


def test_an_icons_box_is_what_is_visible(rgba: NDArray[np.uint8]) -> None:
    assert boxes(rgba)[0].tolist() == pytest.approx([-0.5, -0.5, 0.5, 0.5])


def test_a_repainted_icon_has_the_colour_of_its_caption(manifest: dict[str, Any], rgba: NDArray[np.uint8]) -> None:
    sampler = RecipeSampler(manifest, rgba)
    given = recipe(RED, (1.0, 0.0, 0.0))
    given.paint[0, 0] = torch.from_numpy(sampler.paint.repaint(RED, "blue"))
    red, green, blue = ((compose(torch.from_numpy(rgba), given)[0, :, 64, 64] + 1) / 2).tolist()
    assert blue > 0.6
    assert blue > red + 0.3
    assert blue > green + 0.1
    assert sampler.paint.own_colour(RED) == "red"


@pytest.mark.parametrize("how", ["on", "above", "under", "wearing"])
def test_what_stands_above_is_above(how: str) -> None:
    whole = (-0.8, -0.8, 0.8, 0.8)
    first, second = (Piece(i, language.Thing("cat"), np.eye(3, 4), flip=False, box=whole) for i in (0, 1))
    a, b = PLACEMENTS[how](np.random.default_rng(0), first, second)
    upper, lower = (a, b) if how in ("on", "above") else (b, a)
    assert upper[2] < lower[2]
    assert upper[2] - 0.8 * upper[0] > -1.01
    assert lower[2] + 0.8 * lower[0] < 1.01


def test_the_same_seed_makes_the_same_pool(pack: Path, manifest: dict[str, Any], rgba: NDArray[np.uint8]) -> None:
    one, two = (pool.make(pack, manifest, rgba, count=40, seed=5) for _ in range(2))
    other = pool.make(pack, manifest, rgba, count=40, seed=6)
    assert torch.equal(one.ids, two.ids)
    assert torch.equal(one.recipes.place, two.recipes.place)
    assert not torch.equal(one.ids, other.ids)


def test_a_cook_of_one_set_draws_from_that_set_alone(manifest: dict[str, Any], rgba: NDArray[np.uint8]) -> None:
    sampler, r = RecipeSampler(manifest, rgba, {"emojione"}), np.random.default_rng(1)
    used = {int(i) for _ in range(50) for i in sampler.sample(r).icons if i >= 0}
    assert used <= {3, 4, 5}
    assert used


def test_spanish_colours_agree_with_their_noun() -> None:
    r = np.random.default_rng(0)
    assert language.say(r, language.Thing("casa", "red"), spanish=True).endswith("casa roja")
    assert language.say(r, language.Thing("gato", "black"), spanish=True).endswith("gato negro")
    assert language.say(r, language.Thing("gato", None, 2), spanish=True) == "dos gatos"
    assert language.say(r, language.Thing("cherry", "red", 3), spanish=False) == "three red cherries"
