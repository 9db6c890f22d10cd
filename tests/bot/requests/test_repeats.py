"""The same words again: another picture for a user who has seen the old one, the cached one for everybody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
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
from bot.requests.service import Service
from engine.core.errors import Broken
from engine.core.job import Done, Failed, Job
from engine.host.engine import Engine
from engine.weights import registry
from storage.files import Files
from storage.store import Store
from tests.fakes import done, ended, small_engine

pytestmark = pytest.mark.asyncio(loop_scope="module")
WORDS = "/magic a red apple"
"""What is quick to make and has a seed."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    folder = tmp_path_factory.mktemp("engine")
    (folder / "weights").symlink_to(registry.FOLDER.resolve())
    async with small_engine(folder, models=(("imagine", "pocket"), ("magic", "grammar"))) as engine:
        yield engine


@pytest_asyncio.fixture(loop_scope="module")
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store.open(tmp_path / "atelier.db") as store:
        yield store


@pytest_asyncio.fixture(loop_scope="module")
async def service(engine: Engine, store: Store, tmp_path: Path) -> Service:
    return open_service(engine, store, tmp_path)


def open_service(engine: Engine, store: Store, folder: Path) -> Service:
    settings = Settings.model_validate(
        {"bot": {"data_dir": folder}, "limits": {"imagine": "off", "magic": "off", "video": "off", "scenes": "off"}}
    )
    files = Files(folder / "media", max_bytes=1_000_000, max_pixels=1_000_000)
    return Service(AppContext(settings, store, files, engine, COMMANDS))


def request(line: str = WORDS, user: str = "discord:1", **how: Any) -> Request:
    name, _, words = line.removeprefix("/").partition(" ")
    declared = {each.name: each.params for each in COMMANDS}
    return Request(name, parse(declared[name], words), user=user, origin="", **how)


async def answer(service: Service, asked: Request) -> Done:
    async with aclosing(service.handle(asked)) as updates:
        return done([update async for update in updates][-1])


async def queue(service: Service, *asked: Request) -> list[Job]:
    """Return the jobs of the requests, which are sent one after the other. Then cancel the jobs."""
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(aclosing(service.handle(each))) for each in asked]
        return [await stored_job(service, (await anext(stream)).job) for stream in streams]


async def stored_job(service: Service, job: str) -> Job:
    row = await service.studio.store.job(job)
    assert row is not None
    return row.job


def seed(made: Done) -> Any:
    return made.result.facts["seed"]


async def test_the_user_who_has_seen_a_picture_gets_another_one_and_other_users_the_cached_one(
    service: Service,
) -> None:
    mine = [await answer(service, request("/imagine a red apple --steps 1")) for _ in range(2)]
    assert [each.cached for each in mine] == [False, False]
    assert len({each.result.media[0].sha256 for each in mine}) == 2
    hers = await answer(service, request("/imagine a red apple --steps 1", user="discord:2"))
    assert (hers.cached, hers.result.media) == (True, mine[0].result.media)


async def test_each_user_gets_the_cached_result_once_and_then_a_new_one_every_time(service: Service) -> None:
    mine = [await answer(service, request()) for _ in range(3)]
    hers = [await answer(service, request(user="discord:2")) for _ in range(3)]
    assert [each.cached for each in mine + hers] == [False, False, False, True, False, False]
    assert seed(hers[0]) == seed(mine[0])
    assert len({seed(each) for each in mine + hers}) == 5


async def test_a_seed_repeats_a_result_even_the_seed_that_the_words_had_at_first(service: Service) -> None:
    first = await answer(service, request())
    made = [await answer(service, request(f"{WORDS} --seed {number}")) for number in (7, 7, seed(first))]
    assert [seed(each) for each in made] == [7, 7, seed(first)]
    assert [each.cached for each in made] == [False, True, True]
    assert made[2].result == first.result


async def test_a_program_always_gets_the_cached_result(service: Service) -> None:
    asked = request(user="web:127.0.0.1", from_program=True)
    made = [await answer(service, asked) for _ in range(3)]
    assert [each.cached for each in made] == [False, True, True]
    assert len({seed(each) for each in made}) == 1


async def test_a_restart_does_not_forget_who_has_seen_what(engine: Engine, tmp_path: Path) -> None:
    seeds = []
    for _ in range(2):
        async with Store.open(tmp_path / "atelier.db") as store:
            seeds.append(seed(await answer(open_service(engine, store, tmp_path), request())))
    assert seeds[0] != seeds[1]


async def test_a_result_that_was_deleted_does_not_come_back(service: Service) -> None:
    first = await answer(service, request())
    await service.studio.store.forget(first.job)
    assert seed(await answer(service, request())) != seed(first)


async def test_words_whose_job_was_cancelled_start_with_their_own_seed(service: Service) -> None:
    (first,) = await queue(service, request())
    assert (await ended(service.studio.store, first.id)).state == "cancelled"
    assert seed(await answer(service, request())) == first.params["seed"]


async def test_words_whose_job_failed_start_with_their_own_seed(service: Service) -> None:
    (first,) = await queue(service, request())
    broke = first.model_copy(update={"id": "broke"})
    await service.studio.store.admit(broke)
    await service.studio.store.fail("broke", Failed.of(Broken("It broke."), "broke"))
    assert seed(await answer(service, request())) == first.params["seed"]


async def test_a_second_request_while_the_first_still_runs_makes_another_result(service: Service) -> None:
    made = await asyncio.gather(*(answer(service, request()) for _ in range(4)))
    assert len({seed(each) for each in made}) == 4


async def test_another_user_shares_the_run_of_the_first(service: Service) -> None:
    jobs = await queue(service, *(request("/imagine a pear", user=f"discord:{number}") for number in (1, 2)))
    assert jobs[0].key == jobs[1].key


async def test_a_private_job_shares_neither_its_run_nor_its_result_with_another_user(service: Service) -> None:
    line = "/imagine a pear --steps 50 --count 4"
    async with AsyncExitStack() as stack:
        runs = []
        for user, private in (("discord:1", True), ("discord:2", True), ("discord:3", False), ("discord:4", False)):
            asked = request(line, user=user, private=private)
            stream = await stack.enter_async_context(aclosing(service.handle(asked)))
            runs.append(service.coalescer.run_id_of((await anext(stream)).job))
        assert len(set(runs)) == 3
        assert runs[2] == runs[3], "what was asked in public is shared"
    mine = await answer(service, request(private=True))
    hers = await answer(service, request(user="discord:2"))
    assert (hers.cached, hers.result.text) == (False, mine.result.text)


async def test_an_enlargement_is_the_same_for_the_same_user(service: Service) -> None:
    picture = await answer(service, request("/imagine a red apple --steps 1", user="discord:3"))
    (button,) = [each for each in buttons_for(picture.job, picture.result, COMMANDS, "en") if each.label == "Upscale"]
    asked = parse_button(button.id, COMMANDS)
    enlarge = Request(asked.command, asked.raw_options, user="discord:1", origin="", files=asked.files)
    jobs = await queue(service, enlarge, enlarge)
    assert jobs[0].key == jobs[1].key


async def test_a_prompt_that_magic_wrote_is_drawn_anew_at_each_press(service: Service) -> None:
    wrote = await answer(service, request())
    for button in ("use", "original"):
        pressed = Request(button, {"job": wrote.job}, user="discord:1", origin="")
        assert len({job.params["seed"] for job in await queue(service, pressed, pressed, pressed)}) == 3


async def test_a_film_is_made_anew_for_the_user_who_has_asked_for_it(service: Service) -> None:
    for line in ("/video a red apple --seconds 1", "/scenes a red apple"):
        first, second = await queue(service, request(line), request(line))
        assert first.params["seed"] != second.params["seed"]


async def test_variants_are_new_for_their_user_and_never_the_same_twice(service: Service) -> None:
    jobs = [await agree(service, await ask_variants(service, "{red|red|blue} apple")) for _ in range(2)]
    assert len({job.params["seed"] for batch in jobs for job in batch}) == 6
    (hers,) = await queue(service, request("/imagine red apple", user="discord:2"))
    assert hers.key == jobs[0][0].key


async def test_a_question_leaves_the_seed_open_until_it_is_answered(service: Service) -> None:
    """The answer may come a day later, when the words have been drawn in the meantime."""
    asked = await ask_variants(service, "{red|blue} pear")
    (hers,) = await queue(service, request("/imagine red pear", user="discord:2"))
    async with aclosing(service.handle(request("/imagine red pear"))) as updates:
        mine = await stored_job(service, (await anext(updates)).job)
        red, _ = await agree(service, asked)
    assert mine.params["seed"] == hers.params["seed"] != red.params["seed"]


async def test_a_wildcard_is_a_new_word_each_time_for_a_person_and_the_same_for_a_program(service: Service) -> None:
    line = request("/imagine a __colour__ __animal__ in a __colour__ __place__")
    people = {job.params["prompt"] for job in await queue(service, *[line] * 6)}
    programs = {job.params["prompt"] for job in await queue(service, *[replace(line, from_program=True)] * 6)}
    assert (len(people) > 1, len(programs)) == (True, 1)


async def ask_variants(service: Service, prompt: str) -> Replied:
    asked = await answer(service, request(f"/imagine {prompt}"))
    assert isinstance(asked, Replied)
    return asked


async def agree(service: Service, question: Replied) -> tuple[Job, ...]:
    """Answer the question with yes and return the jobs, which stay queued."""
    agreed = await answer(service, Request("yes", {"job": question.buttons[0].argument}, "discord:1", ""))
    assert isinstance(agreed, Replied)
    return agreed.jobs
