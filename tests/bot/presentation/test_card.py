"""What a person reads under a result."""

import pytest

from bot.i18n.translate import Language
from bot.presentation.card import card_of
from engine.core.job import Done, Result


@pytest.mark.parametrize(
    ("tier", "language", "said"),
    [
        ("embedded", "en", "seed 7 · mesh · embedded tier · 2.5 s"),
        ("full", "es", "semilla 7 · mesh · nivel completo · 2.5 s"),
    ],
)
def test_an_answer_says_which_model_made_it_in_which_tier_from_which_seed(
    tier: str, language: Language, said: str
) -> None:
    result = Result(facts={"seed": 7, "model": "mesh", "tier": tier, "seconds": 2.5})
    assert card_of(Done(job="a", result=result), language, ()).text == said


def test_what_was_measured_without_a_tier_says_none() -> None:
    result = Result(facts={"model": "mesh", "seconds": 2.5})
    assert card_of(Done(job="a", result=result), "en", ()).text == "mesh · 2.5 s"
