"""/magic and the buttons under its prompts, through the service, with the real store and a real worker."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.app import AppContext
from bot.commands import COMMANDS
from bot.config.settings import Settings
from bot.core.command import Replied, Request
from bot.core.command_line import parse
from bot.presentation.buttons import buttons_for, parse_button
from bot.presentation.card import card_of
from bot.requests.service import Service
from engine.core.job import Done, Job, Update
from engine.host.engine import Engine
from engine.weights import registry
from storage.files import Files
from storage.store import JobRecord, Store
from tests.fakes import done, failed, small_engine
from tests.tiny_gpt2 import save_silent_gpt2

pytestmark = pytest.mark.asyncio(loop_scope="module")
IDEA = "a lighthouse at noon"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    folder = tmp_path_factory.mktemp("engine")
    (folder / "weights").symlink_to(registry.FOLDER.resolve())
    async with small_engine(folder, models=(("imagine", "pocket"), ("magic", "grammar"))) as engine:
        yield engine


@pytest_asyncio.fixture(loop_scope="module")
async def service(engine: Engine, tmp_path: Path) -> AsyncIterator[Service]:
    async with open_service(engine, tmp_path) as service:
        yield service


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def silent(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    """Yield an engine whose language model writes nothing, so that it falls back to the grammar."""
    folder = tmp_path_factory.mktemp("silent")
    (folder / "weights").symlink_to(registry.FOLDER.resolve())
    model = str(save_silent_gpt2(folder / "model"))
    async with small_engine(folder, models=(("imagine", "pocket"), ("magic", model))) as engine:
        yield engine


@asynccontextmanager
async def open_service(engine: Engine, folder: Path, database: str | Path = ":memory:") -> AsyncIterator[Service]:
    settings = Settings.model_validate({"bot": {"data_dir": folder}, "limits": {"imagine": "off"}})
    async with Store.open(database) as store:
        files = Files(folder / "media", max_bytes=1000, max_pixels=10_000)
        yield Service(AppContext(settings, store, files, engine, COMMANDS))


async def ask(service: Service, line: str, **how: Any) -> list[Update]:
    name, _, words = line.removeprefix("/").partition(" ")
    declared = {each.name: each.params for each in COMMANDS}
    return await updates_of(service, Request(name, parse(declared[name], words), user="web:ana", origin="", **how))


async def updates_of(service: Service, request: Request) -> list[Update]:
    async with aclosing(service.handle(request)) as updates:
        return [update async for update in updates]


async def resume_job(service: Service, job: Job) -> Update:
    """Run a job that was created along with others, and return its last update."""
    async with aclosing(service.resume(job)) as updates:
        return [update async for update in updates][-1]


def button_request(button: str) -> Request:
    asked = parse_button(button, COMMANDS)
    return Request(asked.command, asked.raw_options, user="web:ana", origin="")


async def run_magic(service: Service, line: str = f"/magic {IDEA}", **how: Any) -> Done:
    return done((await ask(service, line, **how))[-1])


async def press(
    service: Service, wrote: Done, label: str, edited: str | None = None, user: str = "web:ana"
) -> JobRecord:
    """Press the button with this label, and return the row of the job that it created."""
    buttons = {each.label: each.id for each in buttons_for(wrote.job, wrote.result, COMMANDS, "en")}
    asked = parse_button(buttons[label], COMMANDS, edited)
    last = (
        await updates_of(service, Request(asked.command, asked.raw_options, user=user, origin="", files=asked.files))
    )[-1]
    row = await service.studio.store.job(last.job)
    assert row is not None, last
    return row


async def test_the_prompt_is_shown_with_its_buttons(service: Service) -> None:
    wrote = await run_magic(service)
    facts = wrote.result.facts
    assert str(facts["prompt"]).startswith(f"{IDEA}, ")
    assert (facts["idea"], facts["backend"], facts["tier"]) == (IDEA, "grammar", "embedded")
    shown = buttons_for(wrote.job, wrote.result, COMMANDS, "en")
    assert [each.label for each in shown] == ["Use", "Edit", "Another", "Original"]
    assert shown[1].edit == facts["prompt"]


async def test_use_draws_the_prompt_edit_the_edited_one_and_original_the_idea(service: Service) -> None:
    wrote = await run_magic(service)
    drawn = [
        await press(service, wrote, "Use"),
        await press(service, wrote, "Edit", "a lighthouse in the rain"),
        await press(service, wrote, "Original"),
    ]
    assert [row.job.params["prompt"] for row in drawn] == [
        wrote.result.facts["prompt"],
        "a lighthouse in the rain",
        IDEA,
    ]
    assert {(row.job.command, row.job.task, row.state) for row in drawn} == {("imagine", "imagine", "done")}


async def test_another_writes_a_new_prompt_for_the_same_idea_and_style(service: Service) -> None:
    wrote = await run_magic(service, f"/magic {IDEA} --style oil")
    rows = [await press(service, wrote, "Another") for _ in range(4)]
    prompts = {str(row.result.facts["prompt"]) for row in rows if row.result}
    assert len({*prompts, str(wrote.result.facts["prompt"])}) > 2
    assert all(prompt.startswith(IDEA) for prompt in prompts)
    assert {row.result.facts["style"] for row in rows if row.result} == {"oil"}


async def drawn_prompt(service: Service, line: str, **how: Any) -> str:
    """Run the command, and return the prompt of its picture."""
    return str(done((await ask(service, line, **how))[-1]).result.facts["prompt"])


async def test_imagine_with_magic_draws_the_expanded_prompt_and_shows_it(service: Service) -> None:
    first = done((await ask(service, f"/imagine {IDEA} --steps 1 --magic on"))[-1])
    prompt = str(first.result.facts["prompt"])
    assert prompt.startswith(f"{IDEA}, ")
    assert card_of(first, "en", COMMANDS).text.startswith(prompt)
    again = done((await ask(service, f"/imagine {IDEA} --steps 1 --magic on", from_program=True))[-1])
    assert (again.cached, again.result.facts["prompt"]) == (True, prompt)


async def test_a_fallback_to_the_grammar_is_noted_only_for_the_user_who_asked(silent: Engine, tmp_path: Path) -> None:
    fallback = "The language model wrote nothing usable, so the built-in rules wrote this prompt."
    by = "Prompt written by the built-in rules."
    async with open_service(silent, tmp_path, tmp_path / "atelier.db") as service:
        first = done((await ask(service, f"/imagine {IDEA} --steps 1 --magic on"))[-1])
        assert [by, fallback] == card_of(first, "en", COMMANDS).text.splitlines()[2:4]
        again = done((await ask(service, f"/imagine {IDEA} --steps 1 --magic on", from_program=True))[-1])
        assert (again.cached, again.result) == (True, first.result)
        once_more = parse_button(f"again:{first.job}", COMMANDS)
        more = done((await updates_of(service, Request("again", once_more.raw_options, user="web:ana", origin="")))[-1])
        assert more.result.notes[:2] == first.result.notes[:2], "it is of the same prompt"
        line = f"/imagine {first.result.facts['prompt']} --steps 1"
        plain = done((await ask(service, line, from_program=True))[-1])
        assert (plain.cached, plain.result.notes) == (True, first.result.notes[2:])
    async with Store.open(tmp_path / "atelier.db") as store:
        row = await store.job(first.job)
        assert row is not None
        assert row.outcome == first
        await store.forget(first.job)
        row = await store.job(first.job)
        assert row is not None
        assert row.job.notes == ()


async def test_jobs_that_are_confirmed_first_keep_the_notes_on_their_prompts(silent: Engine, tmp_path: Path) -> None:
    async with open_service(silent, tmp_path) as service:
        asked = (await ask(service, "/imagine {red|blue} car --steps 1 --magic on"))[-1]
        assert isinstance(asked, Replied)
        yes = (await updates_of(service, button_request(asked.buttons[0].id)))[-1]
        assert isinstance(yes, Replied)
        made = [done(await resume_job(service, each)) for each in yes.jobs]
        assert ["so the built-in rules wrote this" in str(each.result.notes[1]) for each in made] == [True, True]


async def test_a_language_model_writes_a_limited_number_of_prompts_and_the_grammar_any_number(
    silent: Engine, service: Service, tmp_path: Path
) -> None:
    seven = "/imagine {a|b|c|d|e|f|g} car --steps 1 --magic"
    async with open_service(silent, tmp_path) as other:
        refused = str(failed((await ask(other, f"{seven} on"))[-1]).sentence)
        assert "prompt expands to 7 pictures; magic's limit is 6 at once" in refused
        assert isinstance((await ask(other, f"{seven} off"))[-1], Replied)
        assert isinstance((await ask(other, "/imagine {a|b|c|d|e|f} car --steps 1 --magic on"))[-1], Replied)
    assert isinstance((await ask(service, f"{seven} on"))[-1], Replied)


async def test_a_style_that_conflicts_with_the_prompts_medium_is_noted(service: Service) -> None:
    made = done((await ask(service, "/imagine a watercolour of a fox --style photo --steps 1"))[-1])
    assert str(made.result.notes[0]) == "Your idea already names a style (watercolour), so photo was not added."


async def test_always_applies_only_to_the_user_who_set_it(service: Service) -> None:
    said = done((await ask(service, "/magic --always on"))[-1]).result
    assert said.text == "Magic is on: every prompt will be expanded before it is drawn."
    assert await drawn_prompt(service, f"/imagine {IDEA} --steps 1") != IDEA
    assert await drawn_prompt(service, f"/imagine {IDEA} --steps 1 --magic off") == IDEA
    ben = Request("imagine", {"prompt": IDEA, "steps": "1"}, user="web:ben", origin="")
    assert done((await updates_of(service, ben))[-1]).result.facts["prompt"] == IDEA
    await ask(service, "/magic --always off")
    assert await drawn_prompt(service, f"/imagine {IDEA} --steps 1") == IDEA


async def test_variants_are_counted_and_confirmed_before_any_is_drawn(service: Service) -> None:
    asked = (await ask(service, "/imagine {red|blue} {car|__animal__} --steps 1 --seed 3"))[-1]
    assert isinstance(asked, Replied)
    first, *prompts = asked.result.text.splitlines()
    assert first == "Your prompt has 4 variants. Draw them all?"
    assert prompts[::2] == ["red car", "blue car"]
    assert [button.label for button in asked.buttons] == ["Draw 4", "No, cancel"]
    assert not await service.studio.store.unfinished_jobs()
    yes = (await updates_of(service, button_request(asked.buttons[0].id)))[-1]
    assert isinstance(yes, Replied)
    drawn_ = [done(await resume_job(service, each)) for each in yes.jobs]
    assert [each.result.facts["prompt"] for each in drawn_] == prompts
    assert {each.result.facts["seed"] for each in drawn_} == {3}


async def test_an_article_agrees_with_the_variant_after_it(service: Service) -> None:
    asked = (await ask(service, "/imagine a {owl|fox} on an {red|orange} wall --steps 1"))[-1]
    assert isinstance(asked, Replied)
    assert asked.result.text.splitlines()[1:] == [
        "an owl on a red wall",
        "an owl on an orange wall",
        "a fox on a red wall",
        "a fox on an orange wall",
    ]


async def test_more_variants_than_the_user_may_draw_are_refused(service: Service) -> None:
    refused = failed((await ask(service, "/imagine {1|2|3|4|5} {1|2|3|4|5}"))[-1])
    assert str(refused.sentence) == (
        "prompt expands to 25 pictures; the limit here is 20 at once. Remove some variants."
    )


async def test_a_wildcard_makes_one_job_and_its_word_is_shown(service: Service) -> None:
    words = {await drawn_prompt(service, f"/imagine a __colour__ car --steps 1 --seed {seed}") for seed in range(6)}
    assert len(words) > 1
    assert all("__" not in word for word in words)


async def test_a_style_is_the_owners_or_one_of_magics(service: Service) -> None:
    assert await drawn_prompt(service, "/imagine a cat --steps 1 --style blueprint") == (
        "technical blueprint of a cat, white lines on deep blue paper"
    )
    assert await drawn_prompt(service, "/imagine a cat --steps 1 --style oil") == (
        "a cat, oil painting on linen with visible brushwork"
    )
    assert "noir" in str((await run_magic(service, "/magic a cat --style noir")).result.facts["prompt"])
    refused = failed((await ask(service, "/imagine a cat --style crayon"))[-1])
    assert "style is “crayon”" in str(refused.sentence)
    assert "claymation" in str(refused.sentence)


async def test_the_variants_of_an_idea_stay_in_its_prompt_and_are_confirmed_when_it_is_drawn(
    service: Service,
) -> None:
    wrote = await run_magic(service, "/magic {red|blue} car")
    assert str(wrote.result.facts["prompt"]).startswith("{red|blue} car, ")
    for label, edited in (("Use", None), ("Original", None), ("Edit", "{a|b} dog")):
        buttons = {each.label: each.id for each in buttons_for(wrote.job, wrote.result, COMMANDS, "en")}
        asked = parse_button(buttons[label], COMMANDS, edited)
        last = (await updates_of(service, Request(asked.command, asked.raw_options, user="web:ana", origin="")))[-1]
        assert isinstance(last, Replied)
        assert last.result.text.startswith("Your prompt has 2 variants. Draw them all?")


async def test_an_idea_with_a_syntax_error_is_refused_before_a_prompt_is_written(service: Service) -> None:
    refusals = {
        "{red|blue car": "idea has a { without a matching }. Write \\{ for the character itself.",
        "a __nothing__ car": "There is no wildcard list __nothing__.",
        "{4$$a|b}": "idea asks for 4 of 2 variants. Ask for fewer.",
        " ... ": "There are no words in “...”. Describe in a few words what to draw.",
    }
    for idea, why in refusals.items():
        assert str(failed((await ask(service, f"/magic {idea}"))[-1]).sentence).startswith(why)


async def test_a_prompt_too_long_for_magic_is_drawn_as_it_is_with_a_note(service: Service) -> None:
    made = done((await ask(service, f"/imagine {'a long red apple ' * 70} --magic on --style oil --steps 1"))[-1])
    assert str(made.result.facts["prompt"]).endswith("apple, oil painting on linen with visible brushwork")
    assert str(made.result.notes[0]) == "Your prompt is longer than 1,000 characters, so magic didn't change it."


async def test_setting_always_along_with_an_idea_is_noted_under_the_prompt(service: Service) -> None:
    wrote = await run_magic(service, f"/magic {IDEA} --always off")
    assert [str(note) for note in wrote.result.notes] == ["Magic is off: your prompts will be drawn as you write them."]


async def test_the_same_idea_of_a_program_is_answered_from_the_cache(service: Service) -> None:
    first, second = await run_magic(service), await run_magic(service, from_program=True)
    assert (first.cached, second.cached) == (False, True)
    assert first.result.facts["prompt"] == second.result.facts["prompt"]


async def test_a_model_for_simple_subjects_gets_a_short_prompt(service: Service) -> None:
    wrote = await run_magic(service, "/magic a red apple")
    row = await service.studio.store.job(wrote.job)
    assert row is not None
    assert row.job.params["short"] is True
    assert len(str(wrote.result.facts["prompt"])) < 60


async def test_the_ideas_own_medium_wins_over_the_style_with_a_note(service: Service) -> None:
    wrote = await run_magic(service, "/magic a watercolour of a fox --style photo")
    assert wrote.result.facts["style"] == "watercolour"
    assert [str(note) for note in wrote.result.notes] == [
        "Your idea already names a style (watercolour), so photo was not added."
    ]


async def test_a_private_prompt_can_be_used_only_by_its_user(service: Service) -> None:
    wrote = await run_magic(service, private=True)
    asked = parse_button(f"use:{wrote.job}", COMMANDS)
    last = await updates_of(service, Request(asked.command, asked.raw_options, user="web:ben", origin=""))
    assert failed(last[-1]).kind == "NotAllowed"


async def test_errors_name_the_option_and_what_to_do(service: Service) -> None:
    assert "idea is missing" in str(failed((await ask(service, "/magic"))[-1]).sentence)
    assert "style is “crayon”" in str(failed((await ask(service, "/magic a cat --style crayon"))[-1]).sentence)
    long = failed((await ask(service, "/magic " + "x" * 1001))[-1])
    assert str(long.sentence) == "idea has 1,001 characters; the limit is 1,000. Shorten it."
    drawn = done((await ask(service, "/imagine a red apple --steps 1"))[-1])
    last = await updates_of(service, Request("use", {"job": drawn.job}, user="web:ana", origin=""))
    assert str(failed(last[-1]).sentence) == f"Job {drawn.job} has no prompt. Use /magic to write one."
