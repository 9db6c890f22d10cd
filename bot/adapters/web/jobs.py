"""Jobs over HTTP: ask, follow, cancel; and the one call that waits for a picture."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import ExitStack, aclosing, asynccontextmanager
from functools import partial
from typing import Any

from aiohttp import web

from bot.adapters.web.form import Body, Bounds
from bot.adapters.web.job_events import JobEvents, State
from bot.adapters.web.job_tracker import JobTracker
from bot.adapters.web.request_body import ALIASES, DEFAULT_COMMAND, ROUTES, ask_of, body_of, keep_uri, unpack
from bot.adapters.web.senders import Senders
from bot.adapters.web.session import CLIENT, Client
from bot.adapters.web.views import ENDED, Views, data_uri
from bot.app import AppContext
from bot.core.command import Attachment, Replied, Request
from bot.i18n.translate import translate
from engine.core.errors import EngineDied
from engine.core.job import Done, Failed, Update

FILMS = frozenset({"animate"})
"""Commands whose one file is a video."""
CONFIRMATION_STATUS = 428
"""Where the person is asked first: a press of the button, as `POST /jobs` with it, goes on."""


class Jobs:
    """The handlers of `/jobs` and `/events`, and of the addresses that commands have of their own."""

    def __init__(
        self, studio: AppContext, tracker: JobTracker, follow: JobEvents, views: Views, bounds: Bounds
    ) -> None:
        self._studio = studio
        self._desk = tracker
        self._follow = follow
        self._views = views
        self._bounds = bounds
        self._senders = Senders()

    def routes(self) -> Iterable[web.RouteDef]:
        return (
            web.post("/generate-image", partial(self.wait_for_result, DEFAULT_COMMAND)),
            web.post("/enhance-media", partial(self.wait_for_result, "upscale")),
            web.post("/face-swap", partial(self.wait_for_result, "faceswap")),
            web.post("/live-portrait", partial(self.wait_for_result, "animate")),
            *(web.post(path, partial(self.start_job, command)) for path, command in ROUTES.items()),
            web.post("/jobs", self.post),
            web.get("/jobs/{id}", self.get),
            web.get("/jobs/{id}/events", self.events),
            web.delete("/jobs/{id}", self.delete),
            web.get("/events", self.all_events),
        )

    async def post(self, request: web.Request) -> web.Response:
        """202 for a job that was queued; 200 for an answer that is there at once."""
        async with self._parse_request(request) as asked:
            update = await self._desk.start(asked)
        return self._state_response(update, request)

    async def start_job(self, command: str, request: web.Request) -> web.Response:
        """As `post`, for a command that has an address of its own."""
        async with self._parse_request(request, command) as asked:
            update = await self._desk.start(asked)
        return self._state_response(update, request)

    async def get(self, request: web.Request) -> web.Response:
        return web.json_response(await self._follow.state(request.match_info["id"], request[CLIENT]))

    async def delete(self, request: web.Request) -> web.Response:
        """Cancels through the command, so that whose jobs one may end is said in one place."""
        client, job = request[CLIENT], request.match_info["id"]
        await self._follow.state(job, client)
        last = await self._desk.run_to_end(client.request("cancel", {"job": job}))
        _raise_refusal(last)
        return web.json_response(await self._follow.end(job, client))

    async def events(self, request: web.Request) -> web.StreamResponse:
        client, job = request[CLIENT], request.match_info["id"]
        await self._follow.state(job, client)
        return await _stream(request, self._follow.changes(client, job))

    async def all_events(self, request: web.Request) -> web.StreamResponse:
        """The states of all live jobs of this visitor, for a page that shows many and has six connections."""
        return await _stream(request, self._follow.changes(request[CLIENT]))

    async def wait_for_result(self, command: str, request: web.Request) -> web.Response:
        """Waits for the end; whoever hangs up before it cancels the job."""
        async with self._parse_request(request, command) as asked:
            last = await self._desk.run_to_end(asked)
        if isinstance(last, Failed):
            raise last.error()
        if isinstance(last, Replied):
            return web.json_response(self._views.state(last, request[CLIENT]), status=CONFIRMATION_STATUS)
        if not isinstance(last, Done):
            raise EngineDied("The studio restarts. This job goes on when it is back: ask the same again then.")
        uris = await asyncio.to_thread(lambda: [data_uri(media) for media in last.result.media])
        made = {"video": uris[0]} if command in FILMS else {"image": uris[0], "images": uris}
        notes = [translate(note.template, request[CLIENT].language, **note.facts) for note in last.result.notes]
        told = {"status": "success", **made, "cached": last.cached, "notes": notes}
        return web.json_response({**last.result.facts, **told, "id": last.job})

    def _state_response(self, update: Update, request: web.Request) -> web.Response:
        _raise_refusal(update)
        state = self._views.state(update, request[CLIENT])
        return web.json_response(state, status=200 if state["state"] in ENDED else 202)

    @asynccontextmanager
    async def _parse_request(self, request: web.Request, command: str | None = None) -> AsyncIterator[Request]:
        """What the body asks for; its files are there until this closes."""
        client = request[CLIENT]
        with self._senders.of(client.address) as begin:

            async def check_form(fields: Mapping[str, Any], file: str) -> None:
                """A file that comes before the command's name in a form cannot be checked yet."""
                begin()
                if command is not None:
                    await self._check(client, command, _by_option_name(fields), file)
                elif not fields.keys().isdisjoint(("command", "line", "button")):
                    await self._check(client, *await ask_of(Body(dict(fields)), self._studio.commands), file)

            async with body_of(request, self._bounds, check_form) as body:
                name, options = (
                    (command, _by_option_name(body.fields)) if command else await ask_of(body, self._studio.commands)
                )
                raw, uris = unpack(options, body, self._studio.command(name))
                with ExitStack() as stack:
                    for option, uri in uris.items():
                        begin()
                        await self._check(client, name, raw, option)
                        body.files[option] = await asyncio.to_thread(keep_uri, option, uri, self._bounds, stack)
                    yield client.request(name, raw, body.files)

    async def _check(self, client: Client, command: str, options: Mapping[str, Any], file: str) -> None:
        """Raise what the service would refuse the request for, before the file of this option is accepted."""
        await self._desk.check(client.request(command, options, {file: Attachment(file)}))


def _by_option_name(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields by their options' names."""
    return {ALIASES.get(name, name): value for name, value in fields.items()}


def _raise_refusal(update: Update) -> None:
    """A Failed without a job was never accepted."""
    if isinstance(update, Failed) and not update.job:
        raise update.error()


async def _stream(request: web.Request, changes: AsyncGenerator[list[State], None]) -> web.StreamResponse:
    headers = {"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    async with aclosing(changes):
        async for states in changes:
            await _send(response, states)
    return response


async def _send(response: web.StreamResponse, states: Iterable[State]) -> None:
    """Each state as an event; where there is none a comment, which keeps an open connection and finds a closed one."""
    events = "".join(f"data: {json.dumps(state)}\n\n" for state in states)
    await response.write((events or ": still here\n\n").encode())
