"""/queue, and the state of the queue that survives a restart, with the real store and a real worker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.app import AppContext
from bot.commands import COMMANDS
from bot.config.settings import Settings
from bot.core.command import Request
from bot.maintenance import queue_state
from bot.presentation import card
from bot.requests.call import Call, JobCall, command
from bot.requests.service import Service
from engine.core.job import Done, Failed, Job, Queued, Started, Update
from engine.host.durations import RunClass
from engine.host.engine import Engine
from engine.tasks.echo import Params as Echo
from storage.files import Files
from storage.store import Store
from tests.fakes import done, failed, left_idle, small_engine, until
from tests.timing import HANG_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="module")


@command("Say it back")
async def echo(call: JobCall, params: Echo) -> Job:
    return await call.build_job("echo", params)


@asynccontextmanager
async def open_service(engine: Engine, folder: Path, settings: Settings | None = None) -> AsyncIterator[Service]:
    """Open a service over the folder. It can be opened again in the same folder, as after a restart."""
    async with Store.open(folder / "atelier.db") as store, left_idle(engine):
        files = Files(folder / "media", max_bytes=1000, max_pixels=10_000)
        opened = AppContext(settings or Settings(), store, files, engine, (*COMMANDS, echo))
        await queue_state.restore(opened)
        learning = asyncio.create_task(queue_state.record_durations(opened))
        yield Service(opened)
        learning.cancel()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    async with small_engine(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest_asyncio.fixture(loop_scope="module")
async def service(engine: Engine, tmp_path: Path) -> AsyncIterator[Service]:
    async with open_service(engine, tmp_path) as opened:
        yield opened


async def send(service: Service, name: str, user: str = "web:a", *, admin: bool = True, **raw: Any) -> list[Update]:
    raw = {option.removesuffix("_"): value for option, value in raw.items()}
    asked = Request(command=name, raw_options=raw, user=user, origin="here", admin=admin)
    async with aclosing(service.handle(asked)) as updates:
        return [update async for update in updates]


async def queue_reply(service: Service, action: str = "show", job: str = "") -> str:
    return done((await send(service, "queue", action=action, job=job))[-1]).result.text


async def refusal(service: Service, action: str, job: str = "") -> str:
    return str(failed((await send(service, "queue", action=action, job=job))[-1]).sentence)


async def wait_for_queue(service: Service, count: int) -> list[str]:
    """Wait until `count` jobs are queued, and return their ids, next first."""
    await until(lambda: len(service.studio.engine.device_queue) == count)
    return [standing.job for standing in service.studio.engine.device_queue.positions()]


async def test_only_admins_see_the_queue(service: Service) -> None:
    assert failed((await send(service, "queue", admin=False))[0]).kind == "NotAllowed"


async def test_a_paused_queue_starts_nothing_says_so_everywhere_and_resumes(service: Service) -> None:
    assert "The queue is paused" in await queue_reply(service, "pause")
    held = asyncio.create_task(send(service, "echo", text="held"))
    (job,) = await wait_for_queue(service, 1)
    assert job in await queue_reply(service)
    assert "The queue is paused" in done((await send(service, "status"))[-1]).result.text
    assert "queue is running" in await queue_reply(service, "resume")
    updates = await held
    assert isinstance(updates[0], Queued)
    assert card._waiting(updates[0], "en") == "Number 1 in the queue. The queue is paused."
    assert isinstance(updates[-1], Done)


async def test_a_pause_survives_a_restart(engine: Engine, tmp_path: Path) -> None:
    async with open_service(engine, tmp_path) as service:
        await queue_reply(service, "pause")
    assert engine.mode == "open"
    async with open_service(engine, tmp_path) as service:
        assert service.studio.engine.state().mode == "paused"
        assert "The queue is paused" in await queue_reply(service)


async def test_a_draining_queue_finishes_its_jobs_and_accepts_no_new_ones(service: Service) -> None:
    await queue_reply(service, "pause")
    first = asyncio.create_task(send(service, "echo", text="first", seconds=0.1))
    behind = asyncio.create_task(send(service, "echo", user="web:b", text="behind"))
    await wait_for_queue(service, 2)
    assert "is draining" in await queue_reply(service, "drain")
    assert "isn't accepting new jobs" in str(failed((await send(service, "echo", text="new"))[0]).sentence)
    assert [type((await each)[-1]) for each in (first, behind)] == [Done, Done]
    await queue_reply(service, "resume")
    assert isinstance((await send(service, "echo", text="new"))[-1], Done)


async def test_bump_moves_a_job_to_the_front_and_drop_ends_one(service: Service) -> None:
    await queue_reply(service, "pause")
    asked = [asyncio.create_task(send(service, "echo", user=f"web:{n}", text=str(n))) for n in range(3)]
    first, second, third = await wait_for_queue(service, 3)
    assert await queue_reply(service, "bump", third) == f"Job {third} is next."
    assert await wait_for_queue(service, 3) == [third, first, second]
    assert await queue_reply(service, "drop", first) == f"Job {first} was dropped."
    await queue_reply(service, "resume")
    ends = {update.job: update for update in [(await each)[-1] for each in asked]}
    assert isinstance(ends[first], Failed)
    assert isinstance(ends[second], Done)
    assert isinstance(ends[third], Done)
    assert await refusal(service, "bump", third) == f"Job {third} is no longer in the queue."


async def test_drop_ends_all_jobs_of_one_person_and_nobody_elses(service: Service) -> None:
    await queue_reply(service, "pause")
    asked = [asyncio.create_task(send(service, "echo", user="web:troll", text=str(n))) for n in range(3)]
    other = asyncio.create_task(send(service, "echo", user="web:ben", text="kept"))
    await wait_for_queue(service, 4)
    reply = done((await send(service, "queue", action="drop", user_="web:troll"))[-1]).result
    assert reply.text == "Dropped 3 jobs of web:troll."
    assert {row.job.user for row in await service.studio.store.unfinished_jobs() if row.failed is None} == {"web:ben"}
    await queue_reply(service, "resume")
    assert {failed((await each)[-1]).kind for each in asked} == {"Cancelled"}
    assert isinstance((await other)[-1], Done)


async def test_admins_read_names_beside_ids(service: Service) -> None:
    await queue_reply(service, "pause")
    person = Request("echo", {"text": "x"}, "discord:42", "here", user_name="Ana\n\u202eevil")
    asked = asyncio.create_task(_updates(service, person))
    await wait_for_queue(service, 1)
    assert " · Ana evil (discord:42) · " in await queue_reply(service)
    reply = done((await send(service, "queue", action="drop", user_="discord:42"))[-1]).result
    assert reply.text == "Dropped 1 job of Ana evil (discord:42)."
    await asked
    await queue_reply(service, "resume")


async def _updates(service: Service, asked: Request) -> list[Update]:
    async with aclosing(service.handle(asked)) as updates:
        return [update async for update in updates]


@pytest.mark.parametrize(
    ("raw", "refused"),
    [
        ({"action": "drop"}, "nobody has no jobs in progress. Use /queue to see who has."),
        ({"action": "bump"}, "user only works with drop and without a job"),
        ({"action": "drop", "job": "3f9a"}, "user only works with drop and without a job"),
    ],
)
async def test_a_person_whose_jobs_cannot_be_dropped_is_refused(
    service: Service, raw: dict[str, Any], refused: str
) -> None:
    assert refused in str(failed((await send(service, "queue", user_="nobody", **raw))[-1]).sentence)


async def test_bumping_a_job_that_shares_a_run_bumps_that_run(service: Service) -> None:
    await queue_reply(service, "pause")
    asked = [asyncio.create_task(send(service, "echo", user=f"web:{n}", text="xxy"[n])) for n in range(3)]
    await until(lambda: len(service.coalescer) == 3)
    await wait_for_queue(service, 2)
    (rider,) = [row.job.id for row in await service.studio.store.jobs_of("web:1")]
    await queue_reply(service, "bump", rider)
    assert (await wait_for_queue(service, 2))[0] == service.coalescer.run_id_of(rider)
    await queue_reply(service, "resume")
    await asyncio.gather(*asked)


@pytest.mark.parametrize(
    ("asked", "refused"),
    [
        (("bump",), "Which job? Type /queue bump and the job's id"),
        (("drop", "nope"), "There is no job nope"),
        (("pause", "nope"), "job only works with bump and drop"),
    ],
)
async def test_bad_arguments_are_refused(service: Service, asked: tuple[str, ...], refused: str) -> None:
    assert refused in await refusal(service, *asked)


async def test_the_queue_shows_who_is_running_and_waiting_but_never_their_prompts(service: Service) -> None:
    asked = [
        asyncio.create_task(send(service, "echo", user=f"web:{n}", text=f"secret {n}", seconds=600)) for n in range(2)
    ]
    (behind,) = await wait_for_queue(service, 1)
    shown = done((await send(service, "queue"))[-1]).result
    assert "cpu: " in shown.text
    assert f"1. {behind} · /echo · web:1 · waiting for" in shown.text
    assert "secret" not in f"{shown.text}{shown.facts}"
    for task in asked:
        task.cancel()
    await asyncio.wait(asked)
    assert (await queue_reply(service)).endswith("Nobody is waiting.")


async def test_recorded_durations_survive_a_restart(tmp_path: Path) -> None:
    async with small_engine(tmp_path) as engine, open_service(engine, tmp_path) as service:
        for number in range(3):
            await send(service, "echo", text=str(number), seconds=0.2)
        async with asyncio.timeout(HANG_SECONDS):
            while len(await service.studio.store.recent_runs()) < 3:  # noqa: ASYNC110  # written in the background
                await asyncio.sleep(0.01)
    async with small_engine(tmp_path) as engine, open_service(engine, tmp_path) as service:
        assert len(service.studio.engine.durations._runs[RunClass("echo", "echo", "0.2 s", "cpu")]) == 3


async def test_a_role_sets_weight_and_caps(engine: Engine, tmp_path: Path) -> None:
    roles = {"friends": {"people": ["web:f"], "weight": 3, "running": 1, "queued": 1}}
    async with open_service(engine, tmp_path, Settings.model_validate({"roles": roles})) as service:
        call = Call(Request("echo", {}, "web:f", ""), service.studio)
        job = await call.build_job("echo", Echo())
        assert (job.weight, job.max_running, job.max_queued) == (3, 1, 1)
        await queue_reply(service, "pause")
        first = asyncio.create_task(send(service, "echo", user="web:f", text="1"))
        await wait_for_queue(service, 1)
        refused = failed((await send(service, "echo", user="web:f", text="2"))[0])
        assert refused.kind == "TooMany"
        assert "You have 1 job waiting; the limit is 1." in str(refused.sentence)
        await queue_reply(service, "resume")
        assert [type(update) for update in await first if not isinstance(update, Queued)] == [Started, Done]
