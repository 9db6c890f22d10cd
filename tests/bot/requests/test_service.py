"""The path of a request through the service, with the real store and a real worker that runs echo jobs."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.app import AppContext
from bot.config.settings import Settings
from bot.core.command import Attachment, Reply, Request
from bot.jobs.lifecycle import run_unstored
from bot.requests.call import AnyCall, JobCall, command
from bot.requests.service import Service
from engine.core.job import Done, Failed, Job, Paused, Queued, Started, Update
from engine.core.params import TaskParams
from engine.host.engine import Engine
from engine.tasks.echo import Params as Echo
from engine.tasks.imagine.params import Params as Imagine
from storage.files import Files
from storage.store import Limit, Rate, Store
from tests.fakes import done, failed, left_idle, paused, small_engine, until
from tests.fakes import echo as echo_job
from tests.storage.builders import PICTURE

pytestmark = pytest.mark.asyncio(loop_scope="module")


@command("Say it back")
async def echo(call: JobCall, params: Echo) -> Job:
    return await call.build_job("echo", params)


@command("Say it back at once")
async def hello(call: AnyCall, params: TaskParams) -> Reply:  # noqa: ARG001  # no options
    return Reply(call.translate("Cancel"), facts={"user": call.request.user})


@command("Draw", admin=True)
async def draw(call: JobCall, params: Imagine) -> Job:
    return await call.build_job("imagine", params)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    async with small_engine(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest_asyncio.fixture(loop_scope="module")
async def service(engine: Engine, tmp_path: Path) -> AsyncIterator[Service]:
    settings = Settings().model_copy(update={"limits": {"echo": Rate(2, 60.0), "draw": Rate(1, 60.0)}})
    async with Store.open(":memory:") as store, left_idle(engine):
        files = Files(tmp_path / "media", max_bytes=1000, max_pixels=10_000)
        yield Service(AppContext(settings, store, files, engine, (echo, hello, draw)))


def request(name: str = "echo", user: str = "web:a", **raw: Any) -> Request:
    return Request(command=name, raw_options=raw, user=user, origin="here")


async def updates_of(service: Service, asked: Request) -> list[Update]:
    async with aclosing(service.handle(asked)) as updates:
        return [update async for update in updates]


async def test_a_job_is_queued_started_and_done_and_its_row_says_so(service: Service) -> None:
    updates = await updates_of(service, request(text="hi"))
    assert [type(update) for update in updates] == [Queued, Started, Done]
    row = await service.studio.store.job(updates[0].job)
    assert row is not None
    assert (row.state, row.attempt, row.result) == ("done", 1, done(updates[-1]).result)


async def test_a_reply_is_one_done_update_without_a_job(service: Service) -> None:
    (update,) = await updates_of(service, replace(request("hello"), language="es"))
    assert isinstance(update, Done)
    assert update.job == ""
    assert update.result.text == "Cancelar"
    assert update.result.facts == {"user": "web:a"}


async def test_a_repeated_request_comes_from_the_cache_and_does_not_count(service: Service) -> None:
    await updates_of(service, request(text="once"))
    for _ in range(5):
        (update,) = await updates_of(service, request(text="once"))
        assert isinstance(update, Done)
        assert update.cached


async def test_a_program_over_the_limit_is_refused_with_the_wait_and_stores_nothing(service: Service) -> None:
    for text in "ab":
        await updates_of(service, request(text=text))
    refused = failed((await updates_of(service, replace(request(text="c"), from_program=True)))[0])
    assert refused.kind == "RateLimited"
    assert 55 < float(refused.sentence.facts["wait"]) <= 60
    assert await service.studio.store.unfinished_jobs() == []
    assert isinstance((await updates_of(service, request(text="c", user="web:b")))[-1], Done)


@command("Say it rarely", rate="1/60s")
async def rare(call: JobCall, params: Echo) -> Job:
    return await call.build_job("echo", params)


@pytest.mark.parametrize(("limits", "allowed"), [({}, 1), ({"rare": Rate(2, 60.0)}, 2), ({"rare": None}, 4)])
async def test_a_commands_own_rate_applies_unless_the_settings_change_it(
    service: Service, limits: dict[str, Rate | None], allowed: int
) -> None:
    settings = Settings().model_copy(update={"limits": limits})
    changed = Service(replace(service.studio, settings=settings, commands=(rare,)))
    asked = [replace(request("rare", text=text), from_program=True) for text in "abcd"]
    last = [(await updates_of(changed, each))[-1] for each in asked]
    assert [type(update) for update in last] == [Done] * allowed + [Failed] * (4 - allowed)


async def test_a_program_over_the_limit_downloads_no_file(service: Service) -> None:
    asked: list[str] = []

    async def serve_picture(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(body=PICTURE)

    drawn = echo_job("web:a").model_copy(update={"command": "draw"})
    await service.studio.store.admit(drawn, [Limit("web:a", "draw", Rate(1, 60.0))])
    application = web.Application()
    application.router.add_get("/cat.png", serve_picture)
    async with TestServer(application) as server:
        sent = {"image": Attachment("cat.png", url=str(server.make_url("/cat.png")))}
        drawing = replace(request("draw", prompt="x"), files=sent, admin=True, from_program=True)
        refused = failed((await updates_of(service, drawing))[0])
        assert (refused.kind, asked) == ("RateLimited", [])
        await updates_of(service, replace(drawing, user="web:b"))
        assert asked == ["/cat.png"]


async def test_extra_identities_count_towards_the_limit(service: Service) -> None:
    for number in range(2):
        await updates_of(
            service, replace(request(text=str(number), user=f"web:{number}"), extra_identities=("web-address:1",))
        )
    third = replace(request(text="c", user="web:c"), extra_identities=("web-address:1",), from_program=True)
    refused = failed((await updates_of(service, third))[0])
    assert refused.kind == "RateLimited"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (request("nothing"), "There is no command /nothing. Use /help to see them all."),
        (request("ecco"), "There is no command /ecco. Did you mean /echo?"),
        (request("drew"), "There is no command /drew. Use /help to see them all."),
        (request("draw", prompt="x"), "/draw is for admins only"),
        (request(colour="red"), "There is no option colour here"),
        (request(seconds=601), "seconds is 601; it must be at most 600"),
        (replace(request(), files={"image": Attachment("x.png")}), "/echo doesn't take a file for image"),
    ],
)
async def test_bad_input_gets_a_message_and_leaves_no_row(service: Service, asked: Request, said: str) -> None:
    refused = failed((await updates_of(service, asked))[0])
    assert said in str(refused.sentence)
    assert await service.studio.store.unfinished_jobs() == []


async def test_a_path_on_this_machine_cannot_be_given_as_a_file(service: Service) -> None:
    sly = {"path": "/etc/passwd", "mime": "image/png", "sha256": "0" * 64, "bytes": 1}
    refused = failed((await updates_of(service, replace(request("draw", prompt="x", image=sly), admin=True)))[0])
    assert "image must be a file" in str(refused.sentence)


async def test_a_file_that_is_not_what_its_name_says_is_refused(service: Service, tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(b"MZ no picture at all")
    asked = replace(request("draw", prompt="x"), files={"image": Attachment("cat.png", path=tmp_path / "cat.png")})
    refused = failed((await updates_of(service, replace(asked, admin=True)))[0])
    assert "“cat.png” is named as png, but" in str(refused.sentence)


async def test_identical_active_jobs_share_one_run_and_each_has_its_row(service: Service) -> None:
    asked = [request(text="same", seconds=0.3, user=f"web:{number}") for number in range(4)]
    ends = [done(updates[-1]) for updates in await asyncio.gather(*(updates_of(service, each) for each in asked))]
    rows = [await service.studio.store.job(end.job) for end in ends]
    assert len({end.job for end in ends}) == 4
    assert [row.state for row in rows if row] == ["done"] * 4
    assert len({row.result.model_dump_json() for row in rows if row and row.result}) == 1
    assert (await service.studio.store.cache_stats()).entries == 1


async def test_a_job_that_the_engine_refuses_fails_and_the_next_one_runs(service: Service) -> None:
    """Such as a job that an older version stored."""
    fitting = Job(command="echo", task="echo", params={"text": "hi"}, key="k", user="web:a", origin="here")
    for job in (fitting.model_copy(update={"params": {"seconds": "long"}}), fitting):
        last = await run_unstored(service.coalescer, job)
        assert isinstance(last, Done) == (job is fitting)
        assert last.job == job.id
    assert len(service.coalescer) == 0


async def test_cancelling_one_of_two_identical_jobs_does_not_end_the_other(service: Service) -> None:
    with paused(service.studio.engine):
        first = asyncio.create_task(updates_of(service, request(text="same")))
        second = asyncio.create_task(updates_of(service, request(text="same", user="web:b")))
        await until(lambda: len(service.coalescer) == 2)
        (mine,) = [row.job.id for row in await service.studio.store.jobs_of("web:a")]
        assert service.coalescer.cancel(mine)
    assert failed((await first)[-1]).kind == "Cancelled"
    assert isinstance((await second)[-1], Done)


async def test_closing_the_updates_cancels_the_job_and_its_row_says_so(service: Service) -> None:
    job = ""
    async with aclosing(service.handle(request(seconds=600))) as updates:
        async for update in updates:
            job = update.job
            if isinstance(update, Started):
                break
    row = await service.studio.store.job(job)
    assert row is not None
    assert row.state == "cancelled"
    assert isinstance((await updates_of(service, request(text="next")))[-1], Done)


async def test_a_job_whose_worker_died_is_run_again_and_its_row_counts_two_attempts(service: Service) -> None:
    job, killed = "", False
    async with aclosing(service.handle(request(text="served", seconds=1))) as updates:
        async for update in updates:
            job = update.job
            if isinstance(update, Started) and not killed:
                killed = True
                os.kill(service.studio.engine.state().workers[0].pid or 0, signal.SIGKILL)
    row = await service.studio.store.job(job)
    assert row is not None
    assert (row.state, row.attempt) == ("done", 2)


async def test_closing_refuses_requests_and_requeues_jobs_without_counting_the_attempt(
    service: Service,
) -> None:
    waiting = asyncio.create_task(updates_of(service, request(seconds=600)))
    await until(lambda: bool(service.studio.engine.state().workers[0].running))
    await service.close()
    assert isinstance((await waiting)[-1], Paused)
    refused = failed((await updates_of(service, request("hello")))[0])
    assert "shutting down" in str(refused.sentence)
    (job,) = await service.unfinished_jobs("web")
    left = await service.studio.store.job(job.id)
    assert left is not None
    assert (left.state, left.attempt) == ("queued", 0)
