"""Jobs over HTTP: ask, follow, cancel; and the one call that waits for a picture."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aiohttp import web

from bot.adapters.web.answers import NotFound
from bot.adapters.web.desk import Desk, Watch
from bot.adapters.web.intake import Bounds, ask_of, body_of, unpack
from bot.adapters.web.views import ENDED, Views, data_uri, update_of
from bot.adapters.web.visitor import VISITOR, Visitor
from bot.command import Request
from bot.studio import Studio
from engine.job import Done, Failed, Update

HEARTBEAT = 15.0
"""Seconds of silence after which a stream says that it lives."""
PACE = 0.1
"""Seconds between two tellings on one stream; the newest state of each job wins."""
POLL = 1.0
"""Seconds between looks at the row of a job that runs for another connection or platform."""


class Jobs:
    """The handlers of `/jobs`, `/events` and `/generate-image`."""

    def __init__(self, studio: Studio, desk: Desk, views: Views, bounds: Bounds) -> None:
        self._studio = studio
        self._desk = desk
        self._views = views
        self._bounds = bounds

    def routes(self) -> Iterable[web.RouteDef]:
        return (
            web.post("/generate-image", self.generate),
            web.post("/jobs", self.post),
            web.get("/jobs/{id}", self.get),
            web.get("/jobs/{id}/events", self.events),
            web.delete("/jobs/{id}", self.delete),
            web.get("/events", self.all_events),
        )

    async def post(self, request: web.Request) -> web.Response:
        """202 for a job that was queued; 200 for an answer that is there at once."""
        async with self._asked(request) as asked:
            update = await self._desk.start(asked)
        _raise_refusal(update)
        state = self._views.state(update, request[VISITOR])
        return web.json_response(state, status=200 if state["state"] in ENDED else 202)

    async def get(self, request: web.Request) -> web.Response:
        return web.json_response(await self._state(request.match_info["id"], request[VISITOR]))

    async def delete(self, request: web.Request) -> web.Response:
        """Cancels through the command, so that whose jobs one may end is said in one place."""
        visitor, job = request[VISITOR], request.match_info["id"]
        await self._state(job, visitor)
        last = await self._desk.whole(visitor.request("cancel", {"job": job}))
        _raise_refusal(last)
        return web.json_response(await self._ended(job, visitor))

    async def events(self, request: web.Request) -> web.StreamResponse:
        visitor, job = request[VISITOR], request.match_info["id"]
        with self._desk.watch(visitor.user, job) as watch:
            state = await self._state(job, visitor)
            if state["state"] in ENDED or self._desk.newest(job):
                return await self._stream(request, watch, [state], until_end=True)
            return await self._stream_row(request, state)

    async def all_events(self, request: web.Request) -> web.StreamResponse:
        """The states of all live jobs of this visitor, for a page that shows many and has six connections."""
        visitor = request[VISITOR]
        with self._desk.watch(visitor.user) as watch:
            states = [self._views.state(update, visitor) for update in self._desk.of(visitor.user)]
            return await self._stream(request, watch, states, until_end=False)

    async def generate(self, request: web.Request) -> web.Response:
        """Waits for the end; whoever hangs up before it cancels the job."""
        async with self._asked(request, "imagine") as asked:
            last = await self._desk.whole(asked)
        if isinstance(last, Failed):
            raise last.error()
        assert isinstance(last, Done)
        images = await asyncio.to_thread(lambda: [data_uri(media) for media in last.result.media])
        told = {"status": "success", "image": images[0], "images": images, "cached": last.cached}
        return web.json_response({**last.result.facts, **told, "id": last.job})

    @asynccontextmanager
    async def _asked(self, request: web.Request, command: str | None = None) -> AsyncIterator[Request]:
        """What the body asks for; its files are there until this closes."""
        async with body_of(request, self._bounds) as body, AsyncExitStack() as stack:
            name, options = (command, body.fields) if command else await ask_of(body, self._studio.commands)
            raw = await unpack(options, body, self._studio.command(name), self._bounds, stack)
            yield request[VISITOR].request(name, raw, body.files)

    async def _state(self, job: str, visitor: Visitor) -> dict[str, Any]:
        """Raises NotFound for a job that is not there, and alike for one that is not this visitor's to see."""
        live = self._desk.newest(job)
        if live is not None and live[0] == visitor.user:
            return self._views.state(live[1], visitor)
        row = await self._studio.store.job(job)
        if row is None or (row.job.user != visitor.user and row.job.private):
            raise NotFound("There is no job {job}. /jobs lists yours.", job=job[:40])
        update = update_of(row)
        if update is not None:
            return self._views.state(update, visitor)
        return self._views.waiting(row, self._studio.flights.place(job), visitor)

    async def _ended(self, job: str, visitor: Visitor) -> dict[str, Any]:
        """The state of a job that was just ended, once its end is written down."""
        with self._desk.watch(visitor.user, job) as watch:
            while (state := await self._state(job, visitor))["state"] not in ENDED:
                await _within(watch, POLL)
        return state

    async def _stream(
        self, request: web.Request, watch: Watch, states: list[dict[str, Any]], *, until_end: bool
    ) -> web.StreamResponse:
        response = await _open_stream(request)
        await _send(response, states)
        over = until_end and _any_ended(states)
        while not over:
            await asyncio.sleep(PACE)
            news = await _within(watch, HEARTBEAT)
            states = [self._views.state(update, request[VISITOR]) for update in news]
            over = watch.closed or (until_end and _any_ended(states))
            await _send(response, states)
        return response

    async def _stream_row(self, request: web.Request, state: dict[str, Any]) -> web.StreamResponse:
        response = await _open_stream(request)
        await _send(response, [state])
        while state["state"] not in ENDED:
            await asyncio.sleep(POLL)
            before, state = state, await self._state(request.match_info["id"], request[VISITOR])
            if state != before:
                await _send(response, [state])
        return response


def _raise_refusal(update: Update) -> None:
    """A Failed without a job was never accepted."""
    if isinstance(update, Failed) and not update.job:
        raise update.error()


def _any_ended(states: Iterable[dict[str, Any]]) -> bool:
    return any(state["state"] in ENDED for state in states)


async def _within(watch: Watch, seconds: float) -> list[Update]:
    try:
        async with asyncio.timeout(seconds):
            return await watch.news()
    except TimeoutError:
        return []


async def _open_stream(request: web.Request) -> web.StreamResponse:
    headers = {"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    return response


async def _send(response: web.StreamResponse, states: Iterable[dict[str, Any]]) -> None:
    """Each state as an event; where there is none a comment, which keeps an open connection and finds a closed one."""
    events = "".join(f"data: {json.dumps(state)}\n\n" for state in states)
    await response.write((events or ": still here\n\n").encode())
