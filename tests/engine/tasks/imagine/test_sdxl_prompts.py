"""Prompts of any length and with weights, against diffusers' own encoding."""

from pathlib import Path
from typing import Any

import pytest

from engine.core.settings import WorkerSettings
from engine.tasks.imagine.sdxl.checkpoint import Checkpoint
from engine.tasks.imagine.sdxl.loading import load
from engine.tasks.imagine.sdxl.prompts import encode, encode_together
from tests.tiny_sdxl import save_tiny_sdxl

LONG = "a cat, a dog. " * 20


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The second tokenizer fills with "!", as SDXL's own does."""
    folder: Path = save_tiny_sdxl(tmp_path_factory.mktemp("prompts"))
    pipe = load(Checkpoint("tiny", str(folder), distilled=True), WorkerSettings(folder=folder.parent, memory=10**9))
    pipe.tokenizer_2.pad_token = "!"
    return pipe


def far(one: Any, other: Any) -> float:
    return float((one - other).detach().abs().max())


def test_a_short_prompt_is_encoded_as_diffusers_does(pipe: Any) -> None:
    words, against, pooled, pooled_against = pipe.encode_prompt("a cat", negative_prompt="a dog")
    ours = encode(pipe, "a cat", "a dog", guided=True)
    assert far(ours.words, words) == far(ours.negative_embeds, against) == 0
    assert far(ours.pooled, pooled) == far(ours.pooled_negative_embeds, pooled_against) == 0


def test_emoji_are_encoded_by_name(pipe: Any) -> None:
    named = encode(pipe, "a cat face", guided=False)
    assert far(encode(pipe, "a 🐱", guided=False).words, named.words) == 0
    assert far(encode_together(pipe, ["a 🐱"])[0].words, named.words) < 1e-5
    heavy = encode(pipe, "a (cat face:1.5)", guided=False)
    assert far(encode(pipe, "a (🐱:1.5)", guided=False).words, heavy.words) == 0


def test_weights_of_one_change_nothing(pipe: Any) -> None:
    """The piece between brackets is read apart, in compel's way, and comes out as diffusers' own."""
    assert (
        far(encode(pipe, "a (cat:1.0) on (a:1.0001) mat", guided=False).words, pipe.encode_prompt("a cat on a mat")[0])
        < 1e-3
    )


def test_a_greater_weight_goes_further_from_nothing_at_that_word_alone(pipe: Any) -> None:
    plain, nothing = pipe.encode_prompt("a cat")[0], pipe.encode_prompt("")[0]
    heavy = encode(pipe, "a (cat:1.5)", guided=False).words
    assert far(heavy[:, :2], plain[:, :2]) == 0
    assert far(heavy[:, 2:5], nothing[:, 2:5] + 1.5 * (plain - nothing)[:, 2:5]) < 1e-5


def test_a_weight_below_one_goes_towards_the_prompt_without_the_word(pipe: Any) -> None:
    plain = pipe.encode_prompt("a red cat")[0]
    lighter = [far(encode(pipe, f"a (red:{weight}) cat", guided=False).words, plain) for weight in (0.9, 0.5, 0.1)]
    assert 0 < lighter[0] < lighter[1] < lighter[2]


def test_a_long_prompt_is_read_to_its_end(pipe: Any) -> None:
    tokens = len(pipe.tokenizer(LONG, add_special_tokens=False, verbose=False).input_ids)
    assert tokens > 150
    one, other = (encode(pipe, LONG + end, guided=False).words for end in ("x", "y"))
    assert one.shape[1] % 77 == 0
    assert one.shape[1] >= tokens
    assert far(one[:, :77], other[:, :77]) == 0
    assert far(one, other) > 0.01


@pytest.mark.parametrize(("prompt", "negative"), [(LONG, ""), (LONG, "a dog"), ("a cat", LONG), (LONG, LONG)])
def test_what_to_keep_out_is_as_long_as_the_prompt(pipe: Any, prompt: str, negative: str) -> None:
    encoded = encode(pipe, prompt, negative, guided=True)
    assert encoded.words.shape == encoded.negative_embeds.shape
    assert negative or float(encoded.negative_embeds.abs().max()) == 0


@pytest.mark.parametrize("prompt", ["!" * 80 + " (!a:0.7) b (!:0.5)", "(:1.2) a", "", "((((((a))))))", "(a:0)"])
def test_odd_prompts_are_encoded_too(pipe: Any, prompt: str) -> None:
    assert not encode(pipe, prompt, guided=False).words.isnan().any()
