"""Prompts by a causal language model through transformers, on small random weights."""

from pathlib import Path

import pytest

from engine.core.errors import Cancelled, MissingModel
from engine.core.settings import WorkerSettings
from engine.tasks.magic import backends
from engine.tasks.magic.grammar.grammar import contradicts
from engine.tasks.magic.grammar.idea import parse_idea
from engine.tasks.magic.language_model import LanguageModelWriter
from engine.tasks.magic.params import Params
from tests.tiny_gpt2 import save_chat_gpt2, save_silent_gpt2, save_tiny_gpt2

IDEA = "a lighthouse at noon"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_gpt2(tmp_path_factory.mktemp("gpt2"))


@pytest.fixture(scope="module")
def told(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_chat_gpt2(folder, tmp_path_factory.mktemp("instruct"))


@pytest.fixture(autouse=True)
def _own_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of weights is the test's, not one that several studios share."""
    monkeypatch.delenv("ATELIER_WEIGHTS", raising=False)


def settings(tmp_path: Path, magic: str) -> WorkerSettings:
    return WorkerSettings(folder=tmp_path, memory=10**9, models={"magic": magic})


def quiet(_stage: str, _fraction: float) -> None:
    """Nobody listens."""


@pytest.mark.parametrize("which", ["folder", "told"])
def test_the_model_goes_on_from_the_idea_and_contradicts_nothing(
    which: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    writer = backends.load(settings(tmp_path, str(request.getfixturevalue(which))))
    assert isinstance(writer, LanguageModelWriter)
    prompts = set()
    for seed in range(4):
        writing = writer.write(Params(idea=IDEA, seed=seed), quiet)
        assert writing.prompt.startswith(f"{IDEA}, ")
        assert not writing.facts, "the model itself wrote it"
        assert not any(contradicts(parse_idea(IDEA), part) for part in writing.prompt.split(", ")[1:])
        prompts.add(writing.prompt)
    assert len(prompts) > 1
    assert writer.write(Params(idea=IDEA, seed=3), quiet).prompt in prompts


def test_a_style_is_said_before_the_model_goes_on(folder: Path, tmp_path: Path) -> None:
    writer = backends.load(settings(tmp_path, str(folder)))
    assert "pixel art" in writer.write(Params(idea=IDEA, style="pixel"), quiet).prompt
    writing = writer.write(Params(idea="watercolour of a fox", style="photo"), quiet)
    assert writing.style == "watercolour"
    assert "photo" not in writing.prompt
    assert [str(note) for note in writing.notes] == [
        "Your idea already names a style (watercolour), so photo was not added."
    ]


def test_every_token_is_told_and_a_cancel_ends_it(folder: Path, tmp_path: Path) -> None:
    fractions: list[float] = []

    def report(_stage: str, fraction: float) -> None:
        fractions.append(fraction)
        if len(fractions) == 10:
            raise Cancelled("Cancelled.")

    writer = backends.load(settings(tmp_path, str(folder)))
    with pytest.raises(Cancelled):
        writer.write(Params(idea=IDEA), report)
    assert fractions == sorted(fractions)
    assert 0 < fractions[-1] < 1


def test_where_nothing_fits_the_grammar_writes_and_that_is_told(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = LanguageModelWriter(str(folder), "tiny", tmp_path)
    monkeypatch.setattr("engine.tasks.magic.language_model.MAX_TOKENS", 1)
    writing = writer.write(Params(idea=IDEA), quiet)
    assert writing.prompt.startswith(f"{IDEA}, ")
    assert writing.facts["backend"] == "grammar"
    assert "so the built-in rules wrote this" in str(writing.notes[-1])


def test_a_style_alone_is_no_prompt_that_the_model_wrote(tmp_path: Path) -> None:
    writer = LanguageModelWriter(str(save_silent_gpt2(tmp_path / "silent")), "silent", tmp_path)
    for short in (False, True):
        writing = writer.write(Params(idea=IDEA, style="oil", short=short), quiet)
        assert (writing.style, writing.facts["backend"]) == ("oil", "grammar")
        assert "so the built-in rules wrote this" in str(writing.notes[-1])


def test_the_choice_and_its_reason_are_told(folder: Path, tmp_path: Path) -> None:
    chosen = backends.choose(settings(tmp_path, str(folder)))
    assert (chosen.backend, chosen.tier) == ("transformers", "full")
    assert chosen.model.startswith(f"{folder.name}-")
    assert backends.choose(settings(tmp_path, "some/repository")).model == "some/repository"
    absent = backends.choose(settings(tmp_path, "auto"))
    assert (absent.backend, absent.tier) == ("grammar", "embedded")
    assert "--fetch magicprompt" in str(absent.why)
    asked = backends.choose(settings(tmp_path, "grammar"))
    assert (asked.backend, str(asked.why)) == ("grammar", "Chosen in config.toml.")


def test_auto_takes_magicprompt_where_it_was_fetched(folder: Path, tmp_path: Path) -> None:
    at = tmp_path / "weights" / "hub" / "models--Gustavosta--MagicPrompt-Stable-Diffusion"
    (at / "snapshots").mkdir(parents=True)
    (at / "snapshots" / backends.WEIGHT.hub.revision).symlink_to(folder)
    found = settings(tmp_path, "auto")
    assert backends.choose(found).model == backends.MAGIC_PROMPT
    assert backends.load(found).size > 0  # read at that revision, without a hub


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(MissingModel, match=r"models\.magic"):
        backends.load(settings(tmp_path, str(empty)))
