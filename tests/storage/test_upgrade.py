"""A data folder of the studio at commit 591601e, opened by today's studio."""

import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio

from bot.adapters.web.session import SESSION_COOKIE
from engine.core.errors import Cancelled
from engine.core.job import Failed, Job
from storage.database import MIGRATIONS
from storage.store import SeenBefore, Store
from tests.bot.adapters.website import Site, Visitor, drawing_engine, serving
from tests.fakes import ended

pytestmark = pytest.mark.asyncio(loop_scope="module")

OLD_FOLDER = Path(__file__).with_name("upgrade")
PICTURE = OLD_FOLDER / "picture.png"
PICTURE_SHA256 = "307ccb4a48b1a38c361b62615b0fec166a4d5e398a92648eee0b334659e0152f"
OLD_COOKIE = f"{SESSION_COOKIE}={'A' * 43}"
KILLED_AT = 1_795_800_340.0
"""The Unix time at which the old studio was killed."""

DONE, RUNNING, QUEUED, QUESTION = "3f35cc87b1", "bc6db0458d", ("83b7930691", "19f1b698c7"), "e08cdc15ce"
DONE_KEY = "cd40e167b97af8c86b55c1d0963c19cca9f2edcc78f2320ff476ff8b9ba0678c"


def restore(folder: Path) -> None:
    """Write the old studio's database and its picture into `folder`."""
    picture = folder / "media" / PICTURE_SHA256[:2] / f"{PICTURE_SHA256}.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(PICTURE.read_bytes())
    with closing(sqlite3.connect(folder / "atelier.db")) as database:
        database.executescript((OLD_FOLDER / "dump.sql").read_text("utf-8").replace("{DATA}", str(folder)))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """Today's studio, started on the old folder a moment after the old studio was killed."""
    folder = tmp_path_factory.mktemp("old")
    restore(folder)
    started = time.monotonic()
    store = Store.open(folder / "atelier.db", clock=lambda: KILLED_AT + time.monotonic() - started)
    async with drawing_engine(folder) as engine, store as opened, serving(engine, folder, opened) as site:
        yield site


@pytest_asyncio.fixture(loop_scope="module")
async def visitor(site: Site) -> AsyncIterator[Visitor]:
    """The browser that asked for the old jobs. Its cookie is from before the upgrade."""
    async with site.visitor(Cookie=OLD_COOKIE) as visitor:
        yield visitor


async def test_all_migrations_are_applied(site: Site) -> None:
    database = site.service.studio.store._database
    version = await database.read(lambda db: db.execute("PRAGMA user_version").fetchone()[0])
    assert version == len(list(MIGRATIONS.glob("*.sql")))


async def test_the_limits_of_running_and_waiting_jobs_keep_their_values_under_their_new_names(site: Site) -> None:
    store = site.service.studio.store
    row, question = await store.job(QUEUED[0]), await store.get_question(QUESTION)
    assert row is not None
    assert question is not None
    assert [(job.max_running, job.max_queued) for job in (row.job, *question.jobs)] == [(4, 100)] * 3


async def test_a_job_that_was_done_is_shown_with_its_picture(visitor: Visitor) -> None:
    state = await visitor.state(DONE)
    assert state["state"] == "done"
    (media,) = state["result"]["media"]
    assert (media["width"], media["height"], media["sha256"]) == (64, 64, PICTURE_SHA256)
    assert (await visitor.get(media["url"])).body == PICTURE.read_bytes()


async def test_another_visitor_does_not_see_the_job(site: Site) -> None:
    async with site.browser() as stranger:
        assert (await stranger.get(f"/jobs/{DONE}")).status == 404


async def test_the_cached_result_answers_a_job_with_its_key(site: Site) -> None:
    store = site.service.studio.store
    old = await store.job(DONE)
    assert old is not None
    assert old.job.key == DONE_KEY
    same = Job.model_validate(old.job.model_dump() | {"id": "same", "repeat_key": ""})
    result = await store.admit(same)
    assert result == old.result
    await store.mark_delivered("same")


async def test_the_user_of_an_earlier_job_has_seen_its_result(site: Site) -> None:
    store = site.service.studio.store
    old = await store.job(DONE)
    assert old is not None
    with pytest.raises(SeenBefore):
        await store.admit(Job.model_validate(old.job.model_dump() | {"id": "same"}))


async def test_a_private_result_of_an_earlier_version_answers_nobody_else(site: Site) -> None:
    store = site.service.studio.store
    old = await store.job(DONE)
    assert old is not None
    assert old.job.private
    assert await store.admit(Job.model_validate(old.job.model_dump() | {"id": "other", "user": "web:other"})) is None
    await store.abandon("other", Failed.of(Cancelled("Cancelled.")))


async def test_the_same_request_is_drawn_again_because_imagine_has_a_new_version(site: Site, visitor: Visitor) -> None:
    state = await visitor.job("imagine", prompt="a red apple", seed="1")
    row = await ended(site.service.studio.store, state["id"])
    assert (row.state, row.cached) == ("done", False)
    assert row.job.key != DONE_KEY


async def test_jobs_that_were_running_or_queued_are_resumed_and_finish(site: Site, visitor: Visitor) -> None:
    store = site.service.studio.store
    for job, attempts in ((RUNNING, 2), (QUEUED[0], 1), (QUEUED[1], 1)):
        row = await ended(store, job)
        assert (row.state, row.attempt) == ("done", attempts)
        (media,) = (await visitor.state(job))["result"]["media"]
        assert media["mime"] == "image/png"


async def test_the_open_question_can_still_be_answered_with_yes(site: Site, visitor: Visitor) -> None:
    answer = await visitor.post("/jobs", json={"button": f"yes:{QUESTION}"})
    assert answer.status == 200, answer.json
    prompts = []
    for job in (QUESTION, f"{QUESTION}-2"):
        row = await ended(site.service.studio.store, job)
        assert row.state == "done"
        prompts.append(row.job.params["prompt"])
    assert prompts == ["red car", "blue car"]
    again = await visitor.post("/jobs", json={"button": f"yes:{QUESTION}"})
    assert again.status == 400
