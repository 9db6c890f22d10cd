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
