"""The parameters of a task: error messages, seeds, cache keys and options."""

from typing import get_args

import pytest
from pydantic import Field

from engine.core.errors import BadInput
from engine.core.job import Media, key_of
from engine.core.options import Option
from engine.core.params import TaskParams, assign_files
from engine.tasks.imagine.params import Params, Shapes
from engine.tasks.upscale.params import Params as Upscale


def image(path: str) -> Media:
    return Media(path=path, mime="image/png", sha256="ab" * 32, bytes=1)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({}, "prompt is missing"),
        ({"prompt": "  "}, "prompt is empty"),
        ({"prompt": "x" * 10_001}, "prompt has 10,001 characters; the limit is 10,000"),
        ({"prompt": "x", "colour": "red"}, "There is no option colour here. The options are: prompt, shape"),
        ({"prompt": "x", "cuont": 5}, "There is no option cuont here. Did you mean count?"),
        ({"prompt": "x", "count": 5}, "count is 5; it must be at most 4"),
        ({"prompt": "x", "count": "0"}, "count is 0; it must be at least 1"),
        ({"prompt": "x", "steps": "many"}, "steps is “many”; it must be a whole number"),
        ({"prompt": "x", "guidance": "nan"}, "guidance is"),
        ({"prompt": "x", "shape": "round"}, "shape is “round”; it must be one of square, wide, tall, 5:4, "),
        ({"prompt": "x", "shape": "wid"}, "shape is “wid”; it must be one of square, wide, tall, 5:4, "),
        ({"prompt": "x", "image": "cat.png"}, "image must be a file"),
        ({"prompt": "half \ud800"}, "prompt contains an incomplete character"),
        ({"prompt": "x", "shape": "\ud800"}, "shape contains an incomplete character"),
        ({"prompt": "x", "c" * 3000: 5}, "There is no option " + "c" * 39 + "… here"),
        ({"prompt": "x", "\ud800": 5}, "The name of an option contains an incomplete character"),
        ({"prompt": "x", "seed": int("f" * 9000, 16)}, "seed is a number of thousands of digits; it must be at most"),
        ({"prompt": "x", "seed": [[[]]]}, "seed is “(list)”; it must be a whole number"),
        ({"prompt": "x", "strength": 0.5}, "strength needs image"),
    ],
)
def test_an_error_names_the_option_the_value_and_the_bound(raw: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput) as raised:
        Params.parse(raw)
    assert message in str(raised.value)


@pytest.mark.parametrize("shape", ["Wide", "WIDE", " wide "])
def test_choices_match_in_any_case(shape: str) -> None:
    assert Params.parse({"prompt": "x", "shape": shape}).shape == "wide"


def test_choices_match_in_any_case_before_the_files_are_there() -> None:
    Params.check_words({"prompt": "x", "shape": "Wide"}, {"image"}, complete=True)


def test_the_error_for_a_missing_file_asks_for_an_attachment() -> None:
    with pytest.raises(BadInput, match=r"image is missing. Attach a file\."):
        Upscale.parse({})


def test_the_seed_depends_on_the_prompt_and_not_on_its_spaces() -> None:
    first, again, other = (Params.parse({"prompt": prompt}).with_seed() for prompt in ("a cat", " a cat ", "a dog"))
    assert first == again
    assert first.seed != other.seed


def test_seed_minus_one_is_random() -> None:
    seeds = {Params.parse({"prompt": "a cat", "seed": -1}).with_seed().seed for _ in range(8)}
    assert len(seeds) == 8
    assert all(seed is not None and seed >= 0 for seed in seeds)


@pytest.mark.parametrize("seed", [2**31, 2**32 - 1])
def test_a_seed_may_have_32_bits(seed: int) -> None:
    assert Params.parse({"prompt": "a cat", "seed": seed, "variation": 0.3, "variation_seed": seed}).seed == seed
    assert Params.parse({"prompt": "a cat", "seed": str(seed)}).seed == seed


def test_a_seed_over_32_bits_is_an_error() -> None:
    with pytest.raises(BadInput, match="seed is 4294967296; it must be at most 4294967295"):
        Params.parse({"prompt": "a cat", "seed": 2**32})


def test_derived_seeds_have_not_changed_since_earlier_versions() -> None:
    """They have 31 bits, and users' messages quote them."""

    class Small(TaskParams):
        text: str
        seed: int | None = None

    assert [Small(text=text).with_seed().seed for text in ("a dog", "a red cat")] == [1753979190, 3090354]


def test_the_path_of_a_file_changes_neither_seed_nor_key() -> None:
    here, there = (Params(prompt="x", image=image(path)).with_seed() for path in ("/a.png", "/b.png"))
    assert here.seed == there.seed
    keys = {key_of("imagine", 1, "m", params.model_dump(mode="json")) for params in (here, there)}
    assert len(keys) == 1


@pytest.mark.parametrize(("task", "version", "model"), [("x", 1, "m"), ("imagine", 2, "m"), ("imagine", 1, "n")])
def test_the_key_depends_on_task_version_and_model(task: str, version: int, model: str) -> None:
    params = Params(prompt="x", seed=1).model_dump(mode="json")
    assert key_of(task, version, model, params) != key_of("imagine", 1, "m", params)


def test_options_carry_description_kind_bounds_and_choices() -> None:
    options = {option.name: option for option in Params.options()}
    assert options["prompt"] == Option("prompt", "text", "What to draw", True, None, (), 1, 10_000, rest=True)
    assert options["shape"].choices == get_args(Shapes)
    assert (options["count"].kind, options["count"].minimum, options["count"].maximum) == ("integer", 1, 4)
    assert options["guidance"].kind == "number"
    assert options["image"].kind == "media"


class FilmParams(TaskParams):
    media: Media = Field(json_schema_extra={"accepts": ["sound", "video"]})
    srt: Media | None = Field(None, json_schema_extra={"accepts": ["subtitles"]})
    image: Media | None = Field(None, json_schema_extra={"accepts": ["image"]})


@pytest.mark.parametrize(
    ("names", "assigned"),
    [
        (["a.srt", "a.MP4"], {"srt": 0, "media": 1}),
        (["cat.png", "voice.oga", "a.vtt"], {"image": 0, "media": 1, "srt": 2}),
        (["unknown", "a.srt"], {"media": 0, "srt": 1}),
        (["a.mp4", "b.mp4"], {"media": 0, "srt": 1}),
        (["a.srt"] * 5, {"srt": 0, "media": 1, "image": 2}),
        ([], {}),
    ],
)
def test_a_file_goes_to_the_option_that_accepts_its_kind(names: list[str], assigned: dict[str, int]) -> None:
    assert assign_files(FilmParams, names) == assigned


def test_a_picture_in_reply_to_another_is_its_mask_and_a_single_one_is_the_image() -> None:
    assert assign_files(Params, ["painted.png", "photo.jpg"]) == {"mask": 0, "image": 1}
    assert assign_files(Params, ["photo.jpg"]) == {"image": 0}
