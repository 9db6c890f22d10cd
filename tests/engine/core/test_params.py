"""One declaration: refusals, seeds and keys that come of it."""

from typing import get_args

import pytest
from pydantic import Field

from engine.core.errors import BadInput
from engine.core.job import Media, key_of
from engine.core.params import Option, TaskParams, assign_files
from engine.tasks.imagine.params import Params, Shapes
from engine.tasks.upscale.params import Params as Upscale


def image(path: str) -> Media:
    return Media(path=path, mime="image/png", sha256="ab" * 32, bytes=1)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({}, "prompt is missing"),
        ({"prompt": "  "}, "prompt is empty"),
        ({"prompt": "x" * 10_001}, "prompt has 10001 characters; at most 10000"),
        ({"prompt": "x", "colour": "red"}, "There is no option colour here. The options are: prompt, shape"),
        ({"prompt": "x", "cuont": 5}, "There is no option cuont here. Did you mean count?"),
        ({"prompt": "x", "count": 5}, "count is 5; it must be at most 4"),
        ({"prompt": "x", "count": "0"}, "count is 0; it must be at least 1"),
        ({"prompt": "x", "steps": "many"}, "steps is “many”; it must be a whole number"),
        ({"prompt": "x", "guidance": "nan"}, "guidance is"),
        ({"prompt": "x", "shape": "round"}, "shape is “round”; it must be one of square, wide, tall, 5:4, "),
        ({"prompt": "x", "shape": "wid"}, "shape is “wid”; it must be one of square, wide, tall, 5:4, "),
        ({"prompt": "x", "image": "cat.png"}, "image must be a file"),
        ({"prompt": "half \ud800"}, "prompt has half a character in it"),
        ({"prompt": "x", "shape": "\ud800"}, "shape has half a character in it"),
        ({"prompt": "x", "c" * 3000: 5}, "There is no option " + "c" * 39 + "… here"),
        ({"prompt": "x", "\ud800": 5}, "The name of an option has half a character in it"),
        ({"prompt": "x", "seed": int("f" * 9000, 16)}, "seed is a number of thousands of digits; it must be at most"),
        ({"prompt": "x", "seed": [[[]]]}, "seed is “(list)”; it must be a whole number"),
        ({"prompt": "x", "strength": 0.5}, "strength goes with image"),
    ],
)
def test_a_refusal_names_the_option_the_value_and_the_bound(raw: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput) as refused:
        Params.parse(raw)
    assert said in str(refused.value)


@pytest.mark.parametrize("shape", ["Wide", "WIDE", " wide "])
def test_a_choice_may_be_written_in_capitals(shape: str) -> None:
    assert Params.parse({"prompt": "x", "shape": shape}).shape == "wide"


def test_a_missing_file_is_to_be_attached_not_typed() -> None:
    with pytest.raises(BadInput, match=r"image is missing. Attach a file\."):
        Upscale.parse({})


def test_the_same_request_has_the_same_seed_and_another_prompt_another() -> None:
    first, again, other = (Params.parse({"prompt": prompt}).with_seed() for prompt in ("a cat", " a cat ", "a dog"))
    assert first == again
    assert first.seed != other.seed


def test_seed_minus_one_is_a_new_seed_each_time() -> None:
    seeds = {Params.parse({"prompt": "a cat", "seed": -1}).with_seed().seed for _ in range(8)}
    assert len(seeds) == 8
    assert all(seed is not None and seed >= 0 for seed in seeds)


@pytest.mark.parametrize("seed", [2**31, 2**32 - 1])
def test_a_seed_has_32_bits(seed: int) -> None:
    assert Params.parse({"prompt": "a cat", "seed": seed, "variation": 0.3, "variation_seed": seed}).seed == seed
    assert Params.parse({"prompt": "a cat", "seed": str(seed)}).seed == seed


def test_a_seed_beyond_32_bits_is_refused() -> None:
    with pytest.raises(BadInput, match="seed is 4294967296; it must be at most 4294967295"):
        Params.parse({"prompt": "a cat", "seed": 2**32})


def test_seeds_that_followed_from_other_options_stay_as_they_were() -> None:
    """They had 31 bits: those that everybody got are in people's messages."""

    class Small(TaskParams):
        text: str
        seed: int | None = None

    assert [Small(text=text).with_seed().seed for text in ("a dog", "a red cat")] == [1753979190, 3090354]


def test_where_a_file_lies_does_not_change_seed_or_key() -> None:
    here, there = (Params(prompt="x", image=image(path)).with_seed() for path in ("/a.png", "/b.png"))
    assert here.seed == there.seed
    keys = {key_of("imagine", 1, "m", params.model_dump(mode="json")) for params in (here, there)}
    assert len(keys) == 1


@pytest.mark.parametrize(("task", "version", "model"), [("x", 1, "m"), ("imagine", 2, "m"), ("imagine", 1, "n")])
def test_another_task_version_or_model_is_another_key(task: str, version: int, model: str) -> None:
    params = Params(prompt="x", seed=1).model_dump(mode="json")
    assert key_of(task, version, model, params) != key_of("imagine", 1, "m", params)


def test_options_tell_a_platform_all_that_it_needs() -> None:
    options = {option.name: option for option in Params.options()}
    assert options["prompt"] == Option("prompt", "text", "What to draw", True, None, (), 1, 10_000, rest=True)
    assert options["shape"].choices == get_args(Shapes)
    assert (options["count"].kind, options["count"].minimum, options["count"].maximum) == ("integer", 1, 4)
    assert options["guidance"].kind == "number"
    assert options["image"].kind == "media"


class Filmed(TaskParams):
    media: Media = Field(json_schema_extra={"accepts": ["sound", "video"]})
    srt: Media | None = Field(None, json_schema_extra={"accepts": ["subtitles"]})
    image: Media | None = Field(None, json_schema_extra={"accepts": ["image"]})


@pytest.mark.parametrize(
    ("names", "places"),
    [
        (["a.srt", "a.MP4"], {"srt": 0, "media": 1}),
        (["cat.png", "voice.oga", "a.vtt"], {"image": 0, "media": 1, "srt": 2}),
        (["unknown", "a.srt"], {"media": 0, "srt": 1}),
        (["a.mp4", "b.mp4"], {"media": 0, "srt": 1}),
        (["a.srt"] * 5, {"srt": 0, "media": 1, "image": 2}),
        ([], {}),
    ],
)
def test_a_file_goes_to_the_option_that_accepts_its_kind(names: list[str], places: dict[str, int]) -> None:
    assert assign_files(Filmed, names) == places


def test_a_picture_sent_in_answer_to_another_is_its_mask_and_alone_it_is_the_picture() -> None:
    assert assign_files(Params, ["painted.png", "photo.jpg"]) == {"mask": 0, "image": 1}
    assert assign_files(Params, ["photo.jpg"]) == {"image": 0}
