"""The text under a result."""

import pytest

from bot.i18n.translate import Language
from bot.presentation.card import _waiting, card_of
from engine.core.job import Done, Queued, Result


@pytest.mark.parametrize(
    ("tier", "language", "said"),
    [
        ("embedded", "en", "seed 7 · mesh · embedded tier · 2.5 s"),
        ("full", "es", "semilla 7 · mesh · nivel completo · 2,5 s"),
    ],
)
def test_an_answer_names_its_seed_model_and_tier(tier: str, language: Language, said: str) -> None:
    result = Result(facts={"seed": 7, "model": "mesh", "tier": tier, "seconds": 2.5})
    assert card_of(Done(job="a", result=result), language, ()).text == said


@pytest.mark.parametrize(
    ("model", "language", "said"),
    [
        ("pocket-383ef35d0593", "en", "pocket · 2.5 s"),
        ("pocket-383ef35d0593, tiny-LTX-0123456789ab mesh", "en", "pocket, tiny-LTX mesh · 2.5 s"),
        ("RealESRGAN_x4plus-20240101", "en", "RealESRGAN_x4plus-20240101 · 2.5 s"),
        ("grammar", "en", "built-in rules · 2.5 s"),
        ("grammar", "es", "reglas integradas · 2,5 s"),
    ],
)
def test_an_answer_names_the_model_as_people_read_it(model: str, language: Language, said: str) -> None:
    result = Result(facts={"model": model, "seconds": 2.5})
    assert card_of(Done(job="a", result=result), language, ()).text == said


def test_an_answer_without_a_tier_names_none() -> None:
    result = Result(facts={"model": "mesh", "seconds": 2.5})
    assert card_of(Done(job="a", result=result), "en", ()).text == "mesh · 2.5 s"


def test_the_card_of_a_queued_job_says_when_it_should_start() -> None:
    text = _waiting(Queued(job="1", place=3, seconds_left=90), "en")
    assert text == "Number 3 in the queue. Starts in about 1 min 30 s."
