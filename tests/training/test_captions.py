import json
from pathlib import Path
from typing import Any

import pytest

from training.pocket import captions, prompts
from training.pocket.captions import bare, clean, concepts, requested_objects


def entry(code: str, emoji: str, label: str, tags: list[str], group: int) -> dict[str, Any]:
    return {"hexcode": code, "emoji": emoji, "label": label, "tags": tags, "group": group}


@pytest.fixture
def small(tmp_path: Path) -> dict[str, captions.Concept]:
    """Four emoji: a monkey whose keywords name a banana, the banana, and two apples."""
    en = [
        entry("1F435", "🐵", "monkey face", ["banana", "simian", "animal"], 3),
        entry("1F34C", "🍌", "banana", ["fruit"], 4),
        entry("1F34E", "🍎", "red apple", ["apple", "fruit"], 4),
        entry("1F34F", "🍏", "green apple", ["apple", "fruit"], 4),
    ]
    es = [entry(e["hexcode"], e["emoji"], label, [], 3) for e, label in zip(
        en, ["cara de mono", "plátano", "manzana roja", "manzana verde"], strict=True)]  # fmt: skip
    for name, data in (("en", en), ("es", es)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "data.json").write_text(json.dumps(data), "utf-8")
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "emoji-en-US.json").write_text(json.dumps({"🐵": ["banana"]}), "utf-8")
    return concepts(tmp_path, tmp_path)


def test_a_keyword_that_names_another_picture_is_dropped(small: dict[str, captions.Concept]) -> None:
    names = [name for name, _ in small["1f435"].en]
    assert "monkey" in names
    assert "simian" in names
    assert "banana" not in names


def test_a_word_that_heads_two_labels_names_both(small: dict[str, captions.Concept]) -> None:
    assert "apple" in dict(small["1f34e"].en)
    assert "green apple" in dict(small["1f34f"].en)
    assert "fruit" not in dict(small["1f34f"].en)


def test_the_shares_of_a_concepts_names_sum_to_one(small: dict[str, captions.Concept]) -> None:
    for concept in small.values():
        for names in (concept.en, concept.es):
            assert sum(share for _, share in names) == pytest.approx(1)


def test_an_animal_is_called_by_its_name_and_not_by_its_face() -> None:
    assert bare("dog face") == "dog"
    assert bare("cara de perro") == "perro"
    assert clean("flag: Spain") == "flag spain"


def test_every_asked_object_has_names_in_both_languages() -> None:
    asked = requested_objects()
    assert len(asked) >= 200
    assert all(a.en[0] and a.es[0] and a.labels[0] for a in asked)


def test_the_yardstick_has_the_numbers_of_prompts_that_it_claims() -> None:
    assert len(set(prompts.SINGLES)) == 200
    assert len(set(prompts.COMPOSITIONS)) == 100
    assert len(prompts.SHEET) == 96
