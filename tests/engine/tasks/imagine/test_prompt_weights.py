"""Weights in prompts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import BadInput
from engine.tasks.imagine.prompt_weights import fragments, has_explicit_weights
from tests.timing import thread_seconds


def parse(prompt: str) -> list[tuple[str, float]]:
    return [(fragment.text, round(fragment.weight, 3)) for fragment in fragments(prompt)]


@pytest.mark.parametrize(
    ("prompt", "pieces"),
    [
        ("a red cat", [("a red cat", 1)]),
        ("a (red:1.3) cat", [("a ", 1), ("red", 1.3), (" cat", 1)]),
        ("a (red) cat", [("a ", 1), ("red", 1.1), (" cat", 1)]),
        ("a [red] cat", [("a ", 1), ("red", 0.909), (" cat", 1)]),
        ("((a (b:1.5)))", [("a ", 1.21), ("b", 1.815)]),
        (r"\(a:1.5\) (b", [("(a:1.5) (b", 1)]),
        ("a: b) c] (d]:0.5)", [("a: b) c] ", 1), ("d]", 0.5)]),
        ("(a : .5)", [("a ", 0.5)]),
        ("", []),
    ],
)
def test_brackets_weigh_what_they_hold(prompt: str, pieces: list[tuple[str, float]]) -> None:
    assert parse(prompt) == pieces


def test_a_weight_over_the_bound_is_refused_with_what_to_do() -> None:
    with pytest.raises(BadInput, match=r"weight 16\.5 .* use 0 to 2.*backslash"):
        fragments("a photograph (9:16.5)")


def test_only_numbers_are_surely_meant_as_weights() -> None:
    assert has_explicit_weights("a (cat:1.2)")
    assert not has_explicit_weights("a cat (smiling) at 9:30")
    assert not has_explicit_weights(r"a \(cat:1.2\)")


@given(st.text(alphabet="ab ,!\\"))
def test_words_without_brackets_are_left_as_they_are(prompt: str) -> None:
    assert "".join(each.text for each in fragments(prompt)) == prompt.replace("\\\\", "\\")


@pytest.mark.parametrize("prompt", ["(" * 30_000 + ")" * 30_000, ":" + "1" * 60_000, "(a:1" * 15_000, "[(a] " * 12_000])
def test_hostile_brackets_hold_nobody_up(prompt: str) -> None:
    assert thread_seconds(lambda: has_explicit_weights(prompt)) < 5
