"""/jobs and /cancel through the real server."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from storage.store import Store
from tests.bot.adapters.website import Site, drawing_engine, serving
from tests.fakes import paused

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    async with (
        drawing_engine(folder) as engine,
        Store.open(":memory:") as store,
        serving(engine, folder, store) as site,
    ):
        yield site


async def test_jobs_on_the_page_shows_plain_times_and_buttons_that_cancel(site: Site) -> None:
    async with site.browser() as visitor:
        with paused(site.service.studio.engine):
            jobs = [await visitor.job("echo", text=f"frog {number}") for number in range(2)]
            listed = await visitor.job("jobs")
            assert listed["text"].splitlines()[0].startswith("number 1 in the queue · /echo frog 0 · ")
            assert "<t:" not in listed["text"]
            assert "https://" not in listed["text"]
            buttons = {button["label"]: f"{button['command']}:{button['argument']}" for button in listed["buttons"]}
            one = await visitor.post("/jobs", json={"button": buttons["Cancel: frog 0"]})
            assert one.json["text"] == "Cancelled: /echo frog 0"
            rest = await visitor.post("/jobs", json={"line": "/cancel all"})
            assert rest.json["text"] == "Cancelled 1 job."
        assert [(await visitor.ended(job["id"]))["state"] for job in jobs] == ["cancelled", "cancelled"]


async def test_history_on_the_page_turns_pages_and_keeps_what_is_no_longer_stored(site: Site) -> None:
    async with site.browser() as visitor:
        for number in range(6):
            await visitor.ended((await visitor.job("echo", text=f"toad {number}"))["id"])
        drawn = await visitor.ended((await visitor.job("imagine", prompt="a red toad", steps=1))["id"])
        row = await site.service.studio.store.job(drawn["id"])
        assert row is not None
        assert row.result is not None
        row.result.media[0].path.unlink()
        page = await visitor.job("history")
        assert page["text"].splitlines()[0].startswith("/imagine a red toad · ")
        assert page["text"].splitlines()[0].endswith(" · no longer stored")
        buttons = {button["label"]: button for button in page["buttons"]}
        assert list(buttons) == [*(f"Show again: toad {number}" for number in (5, 4, 3, 2)), "Older"]
        assert buttons["Older"]["replaces"]
        older = await visitor.post("/jobs", json={"button": f"older:{buttons['Older']['argument']}"})
        assert [line.partition(" · ")[0] for line in older.json["text"].splitlines()] == [
            "/echo toad 1",
            "/echo toad 0",
        ]
