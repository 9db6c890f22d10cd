"""Handlers that create, follow and cancel jobs, and those that wait for a result."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import ExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from aiohttp import web

from bot.adapters.web.file_answers import file_answer_model, file_response
from bot.adapters.web.form import Body, Bounds
from bot.adapters.web.job_events import JobEvents
from bot.adapters.web.job_tracker import JobTracker
from bot.adapters.web.models import State
from bot.adapters.web.request_body import extract_files, open_body, parse_command, save_data_uri
from bot.adapters.web.session import CLIENT, Client
from bot.adapters.web.upload_limiter import UploadLimiter
from bot.adapters.web.views import Views
from bot.app import AppContext
from bot.core.command import Attachment, Replied, Request
from bot.core.route import Route
from engine.core.errors import EngineDied
from engine.core.job import Done, Failed, Update

CONFIRMATION_STATUS = 428
"""The HTTP status of a question that the person must answer first, by sending its button to `POST /jobs`."""


class Jobs:
    """The handlers of `/jobs` and `/events`, and of the addresses of single commands."""

    def __init__(
        self, studio: AppContext, tracker: JobTracker, events: JobEvents, views: Views, bounds: Bounds
    ) -> None:
        self._studio = studio
        self._tracker = tracker
        self._events = events
        self._views = views
        self._bounds = bounds
        self._uploads = UploadLimiter()
        self._answers = {
            command.name: file_answer_model(command, command.route)
            for command in studio.commands
            if command.route and command.route.waits
        }

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the routes of this class."""
        return (
            *(
                web.post(route.path, partial(self.wait_for_result if route.waits else self.start_job, name, route))
                for name, route in self._command_routes()
            ),
            web.post("/jobs", self.post),
            web.get("/jobs/{id}", self.get),
            web.get("/jobs/{id}/events", self.events),
            web.delete("/jobs/{id}", self.delete),
            web.get("/events", self.all_events),
        )

    def _command_routes(self) -> Iterable[tuple[str, Route]]:
        """Yield each command that has an address of its own, and the address."""
        for command in self._studio.commands:
            if command.route:
                yield command.name, command.route

    async def post(self, request: web.Request) -> web.Response:
        """Run a command, a chat line or a button. Answer 202 with a queued job, or 200 with a reply."""
        async with self._parse_request(request) as asked:
            update = await self._tracker.start(asked)
        return self._state_response(update, request)

    async def start_job(self, command: str, route: Route, request: web.Request) -> web.Response:
        """Run `command`, whose address `route` is, and answer as `post` does."""
        async with self._parse_request(request, command, route) as asked:
            update = await self._tracker.start(asked)
        return self._state_response(update, request)

    async def get(self, request: web.Request) -> web.Response:
        """Return the state of a job."""
        return (await self._events.state(request.match_info["id"], request[CLIENT])).response()

    async def delete(self, request: web.Request) -> web.Response:
        """Cancel a job through the cancel command, which decides who may do so, and return the job's final state."""
        client, job = request[CLIENT], request.match_info["id"]
        await self._events.state(job, client)
        last = await self._tracker.run_to_end(client.request("cancel", {"job": job}))
        _raise_refusal(last)
        return (await self._events.final_state(job, client)).response()

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Stream the states of one job until it ends."""
        client, job = request[CLIENT], request.match_info["id"]
        await self._events.state(job, client)
        return await _stream(request, self._events.changes(client, job))

    async def all_events(self, request: web.Request) -> web.StreamResponse:
        """Stream the states of all live jobs of the visitor: a browser allows too few connections for one per job."""
        return await _stream(request, self._events.changes(request[CLIENT]))

    async def wait_for_result(self, command: str, route: Route, request: web.Request) -> web.Response:
        """Run `command` and return its files as data URIs. If the client disconnects, the job is cancelled."""
        async with self._parse_request(request, command, route) as asked:
            last = await self._tracker.run_to_end(asked)
        if isinstance(last, Failed):
            raise last.error()
        if isinstance(last, Replied):
            return self._views.state(last, request[CLIENT]).response(CONFIRMATION_STATUS)
        if not isinstance(last, Done):
            raise EngineDied(
                "The studio is restarting. This job will continue afterwards: send the same request again then."
            )
        return file_response(self._answers[command], last, request[CLIENT].language)

    def _state_response(self, update: Update, request: web.Request) -> web.Response:
        _raise_refusal(update)
        state = self._views.state(update, request[CLIENT])
        return state.response(200 if state.is_final else 202)

    @asynccontextmanager
    async def _parse_request(
        self, request: web.Request, command: str = "", route: Route | None = None
    ) -> AsyncIterator[Request]:
        """Yield the request in the body; at the address `route` of a `command`, the body holds only its options.

        The request's files are deleted when this closes.
        """
        client = request[CLIENT]
        if command:  # the page never uses the address of a command
            client = replace(client, is_program=True)
        with self._uploads.track(client.address) as count_upload:

            async def check_form(fields: Mapping[str, Any], file: str) -> None:
                """A file that comes before the command's name in a form cannot be checked yet."""
                count_upload()
                if route is not None:
                    await self._check(client, command, route.rename(fields), file)
                elif not fields.keys().isdisjoint(("command", "line", "button")):
                    await self._check(client, *await parse_command(Body(dict(fields)), self._studio.commands), file)

            async with open_body(request, self._bounds, check_form, count_upload) as body:
                name, options = (
                    (command, route.rename(body.fields)) if route else await parse_command(body, self._studio.commands)
                )
                raw, uris = extract_files(options, body, self._studio.command(name))
                with ExitStack() as stack:
                    for option, uri in uris.items():
                        count_upload()
                        await self._check(client, name, raw, option)
                        body.files[option] = await asyncio.to_thread(save_data_uri, option, uri, self._bounds, stack)
                    yield client.request(name, raw, body.files)

    async def _check(self, client: Client, command: str, options: Mapping[str, Any], file: str) -> None:
        """Raise what the service would refuse the request for, before the file of the option `file` is read."""
        await self._tracker.check(client.request(command, options, {file: Attachment(file)}))


def _raise_refusal(update: Update) -> None:
    """Raise the error of an update that failed before a job existed."""
    if isinstance(update, Failed) and not update.job:
        raise update.error()


async def _stream(request: web.Request, changes: AsyncGenerator[list[State], None]) -> web.StreamResponse:
    """Send the changes as server-sent events until they end or the client disconnects."""
    headers = {"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    async with aclosing(changes):
        async for states in changes:
            await _send(response, states)
    return response


async def _send(response: web.StreamResponse, states: Iterable[State]) -> None:
    """Send each state as an event. Without states send a comment, which keeps the connection open and detects a closed
    one.
    """
    events = "".join(f"data: {state.model_dump_json()}\n\n" for state in states)
    await response.write((events or ": still here\n\n").encode())
