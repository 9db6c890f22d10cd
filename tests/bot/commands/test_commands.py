"""Every command through the service, with the real store and a real worker."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
import pytest_asyncio
from PIL import Image

from bot.app import AppContext
from bot.commands import COMMANDS
from bot.config.settings import Settings
from bot.core.command import Replied, Reply, Request
from bot.core.command_line import parse
from bot.presentation.charts.stats_chart import HEIGHT, WIDTH
from bot.requests.call import Call, JobCall, command
from bot.requests.service import Service
from engine.core.errors import UserMessage
from engine.core.job import Done, Failed, Job, Media, Queued, Started, Update
from engine.core.settings import WorkerSettings
from engine.host.engine import Engine, HostSettings
from engine.tasks.echo import Params as Echo
from engine.tasks.imagine.params import Shapes
from storage.files import Files
from storage.store import Rate, Store
from tests.fakes import echo as echo_job
from tests.fakes import small_engine

FILE = Media(path=Path("a.mp4"), mime="video/mp4", sha256="0" * 64, bytes=1)
pytestmark = pytest.mark.asyncio(loop_scope="module")


@command("Say it back")
async def echo(call: JobCall, params: Echo) -> Job:
    return await call.build_job("echo", params)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    async with small_engine(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest_asyncio.fixture(loop_scope="module")
async def service(engine: Engine, tmp_path: Path) -> AsyncIterator[Service]:
    settings = Settings.model_validate({"bot": {"data_dir": tmp_path}})
    settings = settings.model_copy(
        update={"limits": {"imagine": Rate(10, 60.0), "echo": Rate(9, 60.0), "nothing": None}}
    )
    async with Store.open(":memory:") as store:
        files = Files(tmp_path / "media", max_bytes=1000, max_pixels=10_000)
        yield Service(AppContext(settings, store, files, engine, (*COMMANDS, echo)))


def request(line: str, **how: Any) -> Request:
    """Return the request for a typed line such as `/echo hello --seconds 1`."""
    name, _, words = line.removeprefix("/").partition(" ")
    declared = {each.name: each.params for each in (*COMMANDS, echo)}
    return replace(Request(name, parse(declared[name], words), user="web:ana", origin=""), **how)


async def last_update(service: Service, line: str, **how: Any) -> Update:
    async with aclosing(service.handle(request(line, **how))) as updates:
        return [update async for update in updates][-1]


async def answer(service: Service, line: str, **how: Any) -> Reply:
    update = await last_update(service, line, **how)
    assert isinstance(update, Done), update
    buttons = update.buttons if isinstance(update, Replied) else ()
    return Reply(update.result.text, update.result.media, update.result.facts, buttons)


async def refusal(service: Service, line: str, **how: Any) -> str:
    update = await last_update(service, line, **how)
    assert isinstance(update, Failed), update
    return f"{update.kind}: {update.sentence}"


@asynccontextmanager
async def job_in_progress(
    service: Service, line: str, until: type[Started | Queued] = Started, **how: Any
) -> AsyncIterator[tuple[str, AsyncGenerator[Update, None]]]:
    """Start a job, wait until it runs or is queued, and yield its id and further updates."""
    async with aclosing(service.handle(request(line, **how))) as updates:
        async for update in updates:
            if isinstance(update, until):
                break
        yield update.job, updates


async def end_of_updates(updates: AsyncGenerator[Update, None]) -> Update:
    return [update async for update in updates][-1]


async def test_imagine_builds_a_job_with_its_options_and_its_cost(service: Service) -> None:
    call = Call(request("/imagine a red cat --count 3 --shape wide"), service.studio)
    found = service.studio.command("imagine")
    assert found is not None
    job = await found.run(call, found.params.parse(call.request.raw_options))
    assert isinstance(job, Job)
    assert (job.task, job.command, job.user, job.cost) == ("imagine", "imagine", "web:ana", 3)
    assert (job.params["prompt"], job.params["shape"]) == ("a red cat", "wide")


async def test_jobs_lists_only_the_users_jobs_with_state_position_and_prompt(service: Service) -> None:
    long = "a very long story that does not fit into one line of a phone"
    async with (
        job_in_progress(service, f"/echo {long} --seconds 600") as (running, _),
        job_in_progress(service, "/echo behind", Queued) as (queued, _),
        job_in_progress(service, "/echo other", Queued, user="web:ben") as (theirs, _),
    ):
        reply = await answer(service, "/jobs")
        assert [line.rpartition(" · ")[0] for line in reply.text.splitlines()] == [
            "running · /echo a very long story that does not fit…",
            "number 1 in the queue · /echo behind",
        ]
        assert all(re.search(r" · (just now|\d+ (s|min).* ago)$", line) for line in reply.text.splitlines())
        assert [(button.label, button.id) for button in reply.buttons] == [
            ("Cancel: a very long story that does not fit…", f"stop:{running}"),
            ("Cancel: behind", f"stop:{queued}"),
            ("Cancel all", "cancel:all"),
        ]
        assert [(job["id"], job["state"], job["place"]) for job in reply.facts["jobs"]] == [
            (running, "running", 0),
            (queued, "queued", 1),
        ]
        assert theirs not in reply.text
    assert (await answer(service, "/jobs")).text == "You have no jobs in progress."


async def test_jobs_says_how_many_more_there_are_than_it_lists(service: Service) -> None:
    for number in range(10):
        await service.studio.store.admit(echo_job("web:ana", text=f"story {number}"))
    reply = await answer(service, "/jobs")
    assert reply.text.splitlines()[-1] == "… and 2 more"
    assert len(reply.facts["jobs"]) == 10
    assert [button.id for button in reply.buttons][8:] == ["cancel:all"]


async def test_cancel_without_an_id_ends_the_only_job(service: Service) -> None:
    async with job_in_progress(service, "/echo slow --seconds 600") as (job, updates):
        assert (await answer(service, "/cancel")).text == "Cancelled: /echo slow"
        ended = await end_of_updates(updates)
    assert isinstance(ended, Failed)
    assert (ended.kind, ended.job) == ("Cancelled", job)
    row = await service.studio.store.job(job)
    assert row is not None
    assert row.state == "cancelled"


async def test_cancel_asks_which_of_several_jobs_and_ends_only_that_one(service: Service) -> None:
    async with (
        job_in_progress(service, "/echo one --seconds 600") as (one, first),
        job_in_progress(service, "/echo two --seconds 0.1", Queued) as (_, second),
    ):
        asked = await refusal(service, "/cancel")
        assert asked == "BadInput: You have 2 jobs. Choose one in /jobs, or use /cancel all."
        await answer(service, f"/cancel {one}")
        assert isinstance(await end_of_updates(first), Failed)
        assert isinstance(await end_of_updates(second), Done)


@pytest.mark.parametrize("everything", ["all", "ALL", "todos"])
async def test_cancel_all_ends_all_jobs_of_the_user_and_no_others(service: Service, everything: str) -> None:
    async with (
        job_in_progress(service, "/echo one --seconds 600") as (one, first),
        job_in_progress(service, "/echo two --seconds 600", Queued) as (two, second),
        job_in_progress(service, "/echo hers --seconds 600", Queued, user="web:ben") as (hers, _),
    ):
        reply = await answer(service, f"/cancel {everything}")
        assert (reply.text, reply.facts["jobs"]) == ("Cancelled 2 jobs.", [one, two])
        for updates in (first, second):
            last = await end_of_updates(updates)
            assert isinstance(last, Failed)
            assert last.kind == "Cancelled"
        row = await service.studio.store.job(hers)
        assert row is not None
        assert row.state != "cancelled"
    assert await refusal(service, f"/cancel {everything}") == "BadInput: You have no jobs in progress."


async def test_cancel_refuses_a_job_that_is_unknown_finished_or_someone_elses(service: Service) -> None:
    assert await refusal(service, "/cancel") == "BadInput: You have no jobs in progress."
    assert await refusal(service, "/cancel nope") == "BadInput: There is no job nope. Use /jobs to see yours."
    done = await last_update(service, "/echo quick")
    assert await refusal(service, f"/cancel {done.job}") == "BadInput: This job has already finished: /echo quick"
    async with job_in_progress(service, "/echo slow --seconds 600") as (job, updates):
        assert (await refusal(service, f"/cancel {job}", user="web:ben")).startswith("NotAllowed")
        await answer(service, f"/cancel {job}", user="web:boss", admin=True)
        assert isinstance(await end_of_updates(updates), Failed)


async def test_cancel_all_ends_every_job_of_the_user_and_nobody_elses(service: Service) -> None:
    async with (
        job_in_progress(service, "/echo one --seconds 600") as (one, first),
        job_in_progress(service, "/echo two", Queued) as (two, second),
        job_in_progress(service, "/echo theirs", Queued, user="web:ben") as (_, third),
    ):
        reply = await answer(service, "/cancel ALL")
        assert (reply.text, reply.facts) == ("Cancelled 2 jobs.", {"jobs": [one, two]})
        assert [(await end_of_updates(each)).type for each in (first, second, third)] == ["failed", "failed", "done"]
    assert await refusal(service, "/cancel all") == "BadInput: You have no jobs in progress."


async def test_cancel_all_ends_jobs_that_no_platform_has_resumed_yet(service: Service) -> None:
    left = echo_job("web:ana", text="left behind")
    await service.studio.store.admit(left)
    assert (await answer(service, "/cancel all")).text == "Cancelled 1 job."
    row = await service.studio.store.job(left.id)
    assert row is not None
    assert row.failed is not None
    assert row.failed.kind == "Cancelled"


@pytest.mark.parametrize(
    ("place", "shown"),
    [({}, "/echo"), ({"private": True}, "/echo a secret"), ({"user": "web:boss", "admin": True}, "/echo")],
)
async def test_cancel_shows_the_words_of_a_private_job_to_its_user_alone(
    service: Service, place: dict[str, Any], shown: str
) -> None:
    secret = echo_job("web:ana", text="a secret").model_copy(update={"private": True})
    await service.studio.store.admit(secret)
    assert (await answer(service, f"/cancel {secret.id}", **place)).text == f"Cancelled: {shown}"


async def test_limits_shows_what_is_left_and_when_it_resets(service: Service) -> None:
    await last_update(service, "/echo once")
    reply = await answer(service, "/limits")
    imagine, *others, echoed = reply.text.splitlines()
    assert imagine == "/imagine: 10 of 10 left (per 1 min)"
    assert "/video: 3 of 3 left (per 5 min)" in others
    assert echoed.startswith("/echo: 8 of 9 left (per 1 min), next one in ")
    assert reply.facts["limits"]["echo"]["left"] == 8
    assert "nothing" not in reply.facts["limits"]  # no such command here
    assert "users" not in reply.text


async def test_limits_says_so_when_a_command_has_no_limit(service: Service) -> None:
    unlimited = service.studio.settings.model_copy(update={"limits": {"echo": None}})
    reply = await answer(Service(replace(service.studio, settings=unlimited)), "/limits")
    assert "/echo: no limit" in reply.text.splitlines()
    assert reply.facts["limits"]["echo"] is None


async def test_admins_see_active_users_and_tracked_requests_in_limits(service: Service) -> None:
    for user in ("web:a", "web:b"):
        await last_update(service, "/echo hi --seconds 0.01", user=user)
    reply = await answer(service, "/limits", admin=True)
    assert reply.text.splitlines()[-1] == "2 active users in the last hour · 1 tracked request"
    assert (reply.facts["active_users"], reply.facts["tracked_requests"]) == (2, 1)


async def test_cache_shows_what_it_holds(service: Service) -> None:
    for _ in range(4):
        await last_update(service, "/echo again")
    reply = await answer(service, "/cache")
    assert reply.text.splitlines()[:3] == [
        "1 result, 5 B of 5 GB",
        "Hits: 3, misses: 1",
        "75% of requests were answered from the cache",
    ]
    assert (reply.facts["entries"], reply.facts["hits"], reply.facts["hit_rate"]) == (1, 3, 0.75)
    assert reply.facts["max_bytes"] == 5_000_000_000


async def test_only_admins_clear_the_cache_and_can_keep_recent_results(service: Service) -> None:
    await last_update(service, "/echo kept")
    assert (await refusal(service, "/cache clear")).startswith("NotAllowed: Only admins can clear the cache.")
    assert (await answer(service, "/cache clear 7", admin=True)).facts == {"entries": 0, "bytes": 0}
    assert (await answer(service, "/cache clear", admin=True)).text == "Cleared 1 result (4 B)"
    assert (await answer(service, "/cache stats")).facts["entries"] == 0
    assert "/cache clear 3" in await refusal(service, "/cache --older_than_days 3")
    assert "at least 0" in await refusal(service, "/cache clear -1", admin=True)


async def test_stats_shows_jobs_by_command_and_outcome_with_times(service: Service) -> None:
    for line in ("/echo a", "/echo a", "/echo b", "/echo c --fault error"):
        await last_update(service, line)
    reply = await answer(service, "/stats")
    lines = reply.text.splitlines()
    assert lines[:2] == ["Last hour · 4 jobs", "/echo: 2 done · 1 from the cache · 1 failed"]
    assert "Cache hits: 1, misses: 3" in lines
    assert "Last day · same as above" in lines
    assert reply.facts["hour"]["jobs"] == {"echo": {"cached": 1, "done": 2, "failed": 1}}
    assert reply.facts["hour"]["waiting"]["count"] == 3
    assert 0 < reply.facts["hour"]["running"]["median"] <= reply.facts["hour"]["running"]["p95"]
    assert len(reply.facts["hours"]) == 24
    assert sum(hour["done"] for hour in reply.facts["hours"]) == 2


async def test_stats_draws_a_chart_of_the_day_in_both_languages(service: Service) -> None:
    await last_update(service, "/echo a")
    english, spanish = [(await answer(service, "/stats", language=tongue)) for tongue in ("en", "es")]
    (picture,) = english.media
    assert (picture.mime, picture.width, picture.height) == ("image/png", WIDTH, HEIGHT)
    with Image.open(picture.path) as opened:
        assert len(opened.convert("RGB").getcolors(2**24) or []) > 100
    assert spanish.media[0].sha256 != picture.sha256
    assert spanish.text.startswith("Última hora · 1 trabajo")


async def test_stats_of_an_empty_studio_has_text_and_a_chart(service: Service) -> None:
    reply = await answer(service, "/stats")
    assert reply.text.splitlines()[0] == "Last hour · no jobs"
    assert len(reply.media) == 1


async def test_only_admins_see_the_heaviest_users(service: Service) -> None:
    for word in "abc":
        await last_update(service, f"/echo {word}", user="web:busy")
    await last_update(service, "/echo d", user="web:calm")
    assert "busy" not in (await answer(service, "/stats")).text
    assert "top_users" not in (await answer(service, "/stats")).facts
    reply = await answer(service, "/stats", admin=True)
    assert "web:busy · 3 jobs" in reply.text
    assert {usage["user"]: usage["jobs"] for usage in reply.facts["top_users"]} == {"web:busy": 3, "web:calm": 1}


async def test_status_shows_services_platforms_devices_and_versions(service: Service) -> None:
    off = UserMessage(template="off: set {variable} and restart", facts={"variable": "ATELIER_DISCORD_TOKEN"})
    service.studio.adapters.update(web=UserMessage(template="on"), discord=off)
    reply = await answer(service, "/status")
    assert reply.text.startswith("Atelier 0.")
    assert "✅ /imagine: pocket, embedded tier." in reply.text
    assert "✅ web: on" in reply.text
    assert "▫️ discord: off: set ATELIER_DISCORD_TOKEN and restart" in reply.text
    assert "✅ cpu: " in reply.text
    assert reply.facts["services"]["echo"] == {
        "available": True,
        "tier": "embedded",
        "backend": "echo",
        "model": "echo",
        "why": "It needs no model.",
        "extras": {},
    }
    (device,) = reply.facts["system"]["devices"]
    assert (device["device"], device["ready"], device["busy"]) == ("cpu", True, False)
    assert device["memory"]["used"] > 0
    assert device["memory"]["free"] > 0
    assert {"atelier", "python"} <= reply.facts["system"]["versions"].keys()


async def test_status_says_whether_an_optional_model_is_available_and_why(service: Service) -> None:
    reply = await answer(service, "/status")
    why = "LTX-Video needs an NVIDIA GPU, and none was found."
    assert reply.text.count(f"▫️ motion live: {why}") == 2
    live = {"available": False, "model": None, "why": why}
    assert reply.facts["services"]["video"]["extras"] == {"motion live": live}


async def test_status_counts_running_and_waiting_jobs(service: Service) -> None:
    async with job_in_progress(service, "/echo slow --seconds 600"), job_in_progress(service, "/echo behind", Queued):
        reply = await answer(service, "/status")
    assert reply.facts["system"]["queue"] == {"running": 1, "waiting": 1, "mode": "open"}
    assert "1 running, 1 waiting" in reply.text.splitlines()[0]


async def test_status_says_why_a_worker_is_not_ready(service: Service, tmp_path: Path) -> None:
    async with Engine.open(
        HostSettings(devices=("cpu",), worker=WorkerSettings(folder=tmp_path, models={"imagine": ""}))
    ) as starting:
        reply = await answer(Service(replace(service.studio, engine=starting)), "/status", language="es")
    assert "⚠️ /imagine: El proceso está arrancando." in reply.text
    assert reply.facts["services"]["imagine"]["available"] is False
    assert reply.facts["system"]["devices"][0]["why"] == "El proceso está arrancando."


async def test_help_lists_every_command_with_its_options_for_programs(service: Service) -> None:
    reply = await answer(service, "/help", admin=True)
    typed = [each for each in service.studio.commands if not each.hidden]
    for each in typed:
        assert f"/{each.name} · {each.description}" in reply.text
    assert [each["name"] for each in reply.facts["commands"]] == [each.name for each in typed]
    assert "/again" not in reply.text
    assert next(o for c in reply.facts["commands"] for o in c["options"] if o["name"] == "count")["maximum"] == 4


async def test_help_of_a_command_shows_options_bounds_and_examples(service: Service) -> None:
    lines = (await answer(service, "/help imagine")).text.splitlines()
    assert "prompt: What to draw (up to 10,000 characters; required)" in lines
    assert any(line.startswith("shape: Shape; by default square, or") for line in lines)
    assert any(line.endswith("(square, wide, tall, " + ", ".join(get_args(Shapes)[3:]) + ")") for line in lines)
    assert "count: How many pictures (1 to 4; default: 1)" in lines
    assert "image: Picture to start from (attach a file)" in lines
    assert "tiling: Make a seamless pattern (on or off; default: off)" in lines
    assert lines[-1] == "/imagine a castle at night --shape wide --count 2 --style watercolour"
    assert (
        "Cuántas imágenes (de 1 a 4; por defecto: 1)" in (await answer(service, "/help /Imagine", language="es")).text
    )


async def test_every_example_in_help_can_be_parsed(service: Service) -> None:
    for each in (each for each in service.studio.commands if not each.hidden):
        lines = (await answer(service, f"/help {each.name}", admin=True)).text.splitlines()
        files = {option.name: FILE for option in each.params.options() if option.kind == "media" and option.required}
        for example in lines[lines.index("For example:") + 1 :] if "For example:" in lines else []:
            each.params.parse({**request(example).raw_options, **files})


async def test_help_for_an_unknown_command_suggests_the_nearest(service: Service) -> None:
    assert await refusal(service, "/help imagin") == "BadInput: There is no command /imagin. Did you mean /imagine?"
    assert await refusal(service, "/help zzz") == "BadInput: There is no command /zzz. Use /help to see them all."


async def test_every_answer_is_translated_into_spanish(service: Service) -> None:
    for line in ("/jobs", "/limits", "/cache", "/stats", "/status", "/help", "/help cache"):
        english, spanish = [(await answer(service, line, language=tongue)).text for tongue in ("en", "es")]
        assert english != spanish
