"""Jobs over a rate limit wait with their time, start when they may, and are never lost. The clock is the test's."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from bot.app import AppContext
from bot.commands.cancel import cancel
from bot.commands.confirmation import yes
from bot.commands.jobs import jobs
from bot.commands.queue import queue
from bot.config.sections import Role
from bot.config.settings import Settings
from bot.core.command import Confirm, Replied, Request
from bot.core.updates import LimitWait
from bot.jobs.limit_gate import round_up
from bot.presentation.card import card_of
from bot.requests.call import JobCall, command
from bot.requests.service import Service
from engine.core.job import Done, Failed, Job, Paused, Queued, Update
from engine.host.engine import Engine
from engine.tasks.echo import Params as Echo
from storage.files import Files
from storage.store import Rate, Store
from tests.fakes import done, ended, failed, small_engine
from tests.storage.builders import Clock

pytestmark = pytest.mark.asyncio(loop_scope="module")
WINDOW = 0.2
"""Seconds of the rate limit. They do not pass before the test moves the clock, however slow the machine is."""


ONCE = Rate(1, WINDOW)


@command("Say it back")
async def echo(call: JobCall, params: Echo) -> Job:
    return await call.build_job("echo", params)


@command("Say it back three times")
async def thrice(call: JobCall, params: Echo) -> Confirm:
    first, *more = [
        (await call.build_job("echo", params.model_copy(update={"text": f"{params.text} {number}"}))).model_copy(
            update={"command": "echo"}
        )
        for number in range(3)
    ]
    return Confirm("All three?", "All", first, also_jobs=tuple(more))


COMMANDS = (echo, thrice, yes, cancel, jobs, queue)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    async with small_engine(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.now = time.time()
    return clock


@asynccontextmanager
async def opened(engine: Engine, folder: Path, clock: Clock, rate: Rate | None = ONCE) -> AsyncIterator[Service]:
    """Open the studio on the database in `folder`, as a restarted process does."""
    changes = {"limits": {"echo": rate}, "roles": {"everyone": Role(queued=3, running=2)}}
    settings = Settings().model_copy(update=changes)
    async with Store.open(folder / "atelier.db", clock=clock) as store:
        files = Files(folder / "media", max_bytes=1000, max_pixels=10_000)
        yield Service(AppContext(settings, store, files, engine, COMMANDS))


@pytest_asyncio.fixture(loop_scope="module")
async def service(engine: Engine, tmp_path: Path, clock: Clock) -> AsyncIterator[Service]:
    async with opened(engine, tmp_path, clock) as service:
        yield service


def say(text: str, user: str = "discord:1") -> Request:
    return Request("echo", {"text": text}, user=user, origin="here")


async def updates_of(service: Service, asked: Request) -> list[Update]:
    async with aclosing(service.handle(asked)) as updates:
        return [update async for update in updates]


class Conversation:
    """Requests whose answers are read step by step."""

    def __init__(self, service: Service, stack: AsyncExitStack) -> None:
        self._service, self._stack = service, stack

    async def ask(self, asked: Request) -> "Answer":
        stream = await self._stack.enter_async_context(aclosing(self._service.handle(asked)))
        return Answer(stream, await anext(stream))


class Answer:
    """An answer and its first update."""

    def __init__(self, stream: AsyncIterator[Update], first: Update) -> None:
        self.first = first
        self._stream = stream

    def wait(self) -> LimitWait:
        assert isinstance(self.first, LimitWait), self.first
        return self.first

    async def rest(self) -> list[Update]:
        return [update async for update in self._stream]


@asynccontextmanager
async def conversation(service: Service) -> AsyncIterator[Conversation]:
    async with AsyncExitStack() as stack:
        yield Conversation(service, stack)


async def test_a_job_over_the_limit_waits_with_its_time_and_then_runs(service: Service, clock: Clock) -> None:
    await updates_of(service, say("one"))
    async with conversation(service) as person:
        answer = await person.ask(say("two"))
        assert (answer.wait().seconds_left, answer.wait().place) == (5, 1)
        card = card_of(answer.wait(), "en", COMMANDS)
        assert card.text == "You have reached the limit of /echo: 1 in 0.2 s. This one starts in about 5 s."
        assert [button.id for button in card.buttons] == [f"cancel:{answer.wait().job}"]
        clock.forward(WINDOW)
        updates = await answer.rest()
    assert done(updates[-1]).result.text == "two"
    assert sum(isinstance(update, LimitWait) for update in updates) == 0, "the time is told once, as it does not change"
    assert (await service.studio.store.count_active(0)).requests == 2


async def test_the_time_is_told_again_when_it_changes(engine: Engine, tmp_path: Path, clock: Clock) -> None:
    async with opened(engine, tmp_path, clock, Rate(1, 60)) as service, conversation(service) as person:
        await updates_of(service, say("one"))
        first, second = await person.ask(say("two")), await person.ask(say("three"))
        assert [each.wait().seconds_left for each in (first, second)] == [60, 120]
        clock.forward(50)
        await updates_of(service, Request("cancel", {"job": first.wait().job}, "discord:1", "here"))
        assert failed((await first.rest())[-1]).kind == "Cancelled"
        moved = await anext(second._stream)
        assert isinstance(moved, LimitWait)
        assert (moved.seconds_left, moved.place) == (10, 1)


async def test_jobs_start_in_the_order_of_their_requests(service: Service, clock: Clock) -> None:
    order: list[str] = []

    async def finish(answer: Answer) -> None:
        order.append(done((await answer.rest())[-1]).result.text)

    async with conversation(service) as person, asyncio.TaskGroup() as group:
        await updates_of(service, say("one"))
        answers = [await person.ask(say(text)) for text in ("two", "three", "four")]
        assert [each.wait().place for each in answers] == [1, 2, 3]
        for answer in answers:
            group.create_task(finish(answer))
        for number in range(1, 4):
            clock.forward(WINDOW)
            await ended(service.studio.store, answers[number - 1].wait().job)
            assert len(order) >= number - 1
    assert order == ["two", "three", "four"]


async def test_one_more_than_the_queue_cap_is_refused(service: Service) -> None:
    async with conversation(service) as person:
        await updates_of(service, say("one"))
        for text in ("two", "three", "four"):
            (await person.ask(say(text))).wait()
        refused = failed((await person.ask(say("five"))).first)
        assert (refused.kind, "3 jobs waiting" in str(refused.sentence)) == ("TooMany", True)
        assert isinstance((await updates_of(service, say("mine", "discord:2")))[-1], Done), "others are not held up"


async def test_a_program_is_refused(service: Service) -> None:
    await updates_of(service, say("one"))
    (refused,) = await updates_of(service, replace(say("two"), from_program=True))
    assert failed(refused).kind == "RateLimited"


async def test_a_waiting_job_is_cancelled_by_its_user_or_dropped_by_an_admin(service: Service) -> None:
    async with conversation(service) as person:
        await updates_of(service, say("one"))
        first, second = await person.ask(say("two")), await person.ask(say("three"))
        await updates_of(service, Request("cancel", {"job": first.wait().job}, "discord:1", "here"))
        drop = {"action": "drop", "job": second.wait().job}
        assert isinstance((await updates_of(service, Request("queue", drop, "discord:9", "x", admin=True)))[0], Done)
        for answer in (first, second):
            assert failed((await answer.rest())[-1]).kind == "Cancelled"
            assert (await ended(service.studio.store, answer.wait().job)).state == "cancelled"
    assert (await service.studio.store.count_active(0)).requests == 1


async def test_a_job_that_is_cancelled_at_the_moment_of_its_start_does_not_start(
    service: Service, clock: Clock
) -> None:
    await updates_of(service, say("one"))
    async with conversation(service) as person:
        answer = await person.ask(say("two"))
        clock.forward(WINDOW)
        rest = asyncio.create_task(answer.rest())
        await asyncio.sleep(0)  # the store is now asked whether the job may start, and its answer comes later
        assert service.studio.cancel_job(answer.wait().job)
        (last,) = await rest
    assert failed(last).kind == "Cancelled"
    assert (await ended(service.studio.store, answer.wait().job)).attempt == 0


async def test_all_waiting_jobs_are_listed_with_their_time_and_cancelled_together(service: Service) -> None:
    async with conversation(service) as person:
        await updates_of(service, say("one"))
        answers = [await person.ask(say(text)) for text in ("two", "three")]
        (listed,) = await updates_of(service, Request("jobs", {}, "discord:1", "here"))
        first, second = [each.wait().job for each in answers]
        lines = done(listed).result.text.splitlines()
        for line, text in zip(lines, ("two", "three"), strict=False):
            assert line.startswith(f"waits for the limit, starts in about 5 s · /echo {text} · ")
        (ended_all,) = await updates_of(service, Request("cancel", {"job": "all"}, "discord:1", "here"))
        assert done(ended_all).result.facts["jobs"] == [first, second]
        for answer in answers:
            assert failed((await answer.rest())[-1]).kind == "Cancelled"


async def test_a_job_whose_updates_are_closed_gives_its_place_up(service: Service, clock: Clock) -> None:
    await updates_of(service, say("one"))
    async with conversation(service) as person:
        gone = (await person.ask(say("two"))).wait().job
    assert (await ended(service.studio.store, gone)).state == "cancelled"
    clock.forward(WINDOW)
    assert done((await updates_of(service, say("three")))[-1]).result.text == "three"


async def test_a_job_waits_on_after_a_shutdown_and_takes_one_token(
    engine: Engine, tmp_path: Path, clock: Clock
) -> None:
    async with opened(engine, tmp_path, clock) as service:
        await updates_of(service, say("one"))
        async with conversation(service) as person:
            answer = await person.ask(say("two"))
            await service.close()
            assert isinstance((await answer.rest())[-1], Paused)
    async with opened(engine, tmp_path, clock) as service:
        (left,) = await service.unfinished_jobs("discord")
        async with aclosing(service.resume(left)) as updates:
            assert isinstance(await anext(updates), LimitWait)
            clock.forward(WINDOW)
            assert done([update async for update in updates][-1]).result.text == "two"
        assert (await service.studio.store.count_active(0)).requests == 2


async def test_a_job_that_a_killed_process_left_waiting_is_resumed(
    engine: Engine, tmp_path: Path, clock: Clock
) -> None:
    """A killed process closes nothing: the database is as the last write left it."""
    async with opened(engine, tmp_path, clock) as killed:
        await updates_of(killed, say("one"))
        async with conversation(killed) as person:
            waiting = (await person.ask(say("two"))).wait().job
            async with opened(engine, tmp_path, clock) as service:
                (left,) = await service.unfinished_jobs("discord")
                assert left.id == waiting
                clock.forward(WINDOW)
                async with aclosing(service.resume(left)) as updates:
                    assert done([update async for update in updates][-1]).result.text == "two"
            killed._lifecycle.open = False


async def test_a_job_starts_at_once_after_the_owner_has_lifted_the_limit(
    engine: Engine, tmp_path: Path, clock: Clock
) -> None:
    async with opened(engine, tmp_path, clock) as service, conversation(service) as person:
        await updates_of(service, say("one"))
        (await person.ask(say("two"))).wait()
        await service.close()
    async with opened(engine, tmp_path, clock, None) as service:
        (left,) = await service.unfinished_jobs("discord")
        async with aclosing(service.resume(left)) as updates:
            assert done([update async for update in updates][-1]).result.text == "two"


async def test_of_the_variants_of_one_request_as_many_start_as_may_and_the_others_wait(
    service: Service, clock: Clock
) -> None:
    (asked,) = await updates_of(service, Request("thrice", {"text": "say"}, "discord:1", "here"))
    assert isinstance(asked, Replied)
    (agreed,) = await updates_of(service, Request("yes", {"job": asked.buttons[0].argument}, "discord:1", "here"))
    assert isinstance(agreed, Replied)
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(aclosing(service.resume(job))) for job in agreed.jobs]
        firsts = [await anext(stream) for stream in streams]
        assert [isinstance(first, LimitWait) for first in firsts] == [False, True, True]
        for stream in streams:
            assert isinstance([update async for update in stream][-1], Done)
            clock.forward(WINDOW)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.1, 5), (5, 5), (5.1, 10), (60, 60), (61, 90), (600, 600), (601, 660), (3700, 4200)]
)
async def test_a_wait_is_rounded_up(seconds: float, shown: float) -> None:
    assert round_up(seconds)[0] == shown


async def test_other_jobs_are_not_held(service: Service) -> None:
    updates = await updates_of(service, say("one"))
    assert not any(isinstance(update, LimitWait | Failed) for update in updates)
    assert isinstance(updates[0], Queued)
