"""Serve `/openapi.json`: the HTTP API as an OpenAPI 3.1 document, with the options that the commands declare."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from aiohttp import web

from bot.adapters.web import schemas
from bot.adapters.web.file_answers import file_answer_model
from bot.adapters.web.schemas import ref
from bot.core.command import Command
from bot.core.route import Route

Part = dict[str, Any]
"""A part of the document, as JSON."""

_REFUSALS = {
    "400": "A value is invalid",
    "401": "The token is missing or wrong",
    "403": "Not allowed",
    "408": "The upload was too slow",
    "503": "The engine is not running",
}
_LIMIT_HEADERS = {
    "Retry-After": "Seconds to wait",
    "X-RateLimit-Limit": "Jobs allowed in the window",
    "X-RateLimit-Remaining": "Jobs left",
    "X-RateLimit-Reset": "Unix time in seconds when the next job is allowed",
}


def routes(commands: Sequence[Command]) -> Iterable[web.RouteDef]:
    """Return the route of the document. It is built once, when it is asked for, in a thread: that takes 0.1 s."""

    @cache
    def encode_document() -> str:
        return json.dumps(build_openapi(commands))

    async def openapi(_: web.Request) -> web.Response:
        return web.json_response(text=await asyncio.to_thread(encode_document))

    return (web.get("/openapi.json", openapi),)


def build_openapi(commands: Sequence[Command]) -> Part:
    """Return the OpenAPI document of these commands."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Atelier", "version": "1", "description": "A self-hosted media studio."},
        "paths": {**_command_paths(commands), **_job_paths(), **_report_paths(commands), **_page_paths()},
        "components": {
            "schemas": schemas.build_schemas(commands),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _command_paths(commands: Sequence[Command]) -> Part:
    """Return the paths that run commands."""
    requests = [*(ref(schemas.ask_name(command)) for command in commands), ref("Line"), ref("Press")]
    return {
        **{command.route.path: _command_path(command, command.route) for command in commands if command.route},
        "/jobs": {
            "post": _operation(
                "Run a command, a line as typed in the chat, or a job's button",
                {**_state_responses(), **_limit_responses()},
                _body({"oneOf": requests}),
            )
        },
    }


def _command_path(command: Command, route: Route) -> Part:
    """Return the address of the command, which starts a job or waits for its result."""
    if route.waits:
        summary = f"{command.description}. The answer waits for the result; disconnecting cancels the job."
        answers = _result_responses(command, route)
    else:
        summary = f"{command.description}. Follow the job with `/jobs/{{id}}`."
        answers = _state_responses()
    return {"post": _operation(summary, {**answers, **_limit_responses()}, _body(_options_of(command, route)))}


def _options_of(command: Command, route: Route) -> Part:
    """Return the schema of the command's options, which also allows their other names."""
    if not route.aliases:
        return ref(schemas.options_name(command))
    options = schemas.options_of(command)
    own = options["properties"]
    return {**options, "properties": {**own, **{alias: own[name] for alias, name in route.aliases.items()}}}


def _job_paths() -> Part:
    """Return the paths of jobs, their events and their files."""
    job = _parameter("id", "path", "The job's id")
    file = [
        _parameter("file", "path", "SHA-256 and suffix"),
        _parameter("key", "query", "The key in the result's `url`"),
    ]
    until = _parameter("until", "query", "The link's expiry, a Unix time in seconds")
    shared = [
        _parameter("name", "path", "SHA-256 and suffix"),
        _parameter("key", "query", "The key in the link"),
        until,
    ]
    state = {"200": _json("The job's state", ref("State")), **_missing_response()}
    bytes_ = {"200": {"description": "The file", "content": {"*/*": {}}}, **_missing_response()}
    return {
        "/jobs/{id}": {
            "parameters": [job],
            "get": _operation("The state of a job", state),
            "delete": _operation("Cancel a job", state),
        },
        "/jobs/{id}/events": {
            "parameters": [job],
            "get": _operation("Stream a job's states until it ends", {**_events(), **_missing_response()}),
        },
        "/events": {"get": _operation("Stream the states of all your live jobs", _events())},
        "/shared/{name}": {"parameters": shared, "get": _operation("A file that was too large for a chat", bytes_)},
        "/media/{file}": {
            "parameters": file,
            "get": _operation("A file of a job. Only the visitor who received the address can open it.", bytes_),
        },
    }


def _report_paths(commands: Sequence[Command]) -> Part:
    """Return the paths of figures about the studio."""
    cleared = {"200": _json("What was removed", ref("ClearedReport"))}
    age = schemas.closed_object({"max_age_days": {"type": "integer", "minimum": 0}}, [])
    return {
        **{
            report.path: {"get": _operation(report.summary, {"200": _json("Figures", ref(report.model.__name__))})}
            for command in commands
            for report in command.reports
        },
        "/api/cache/clear": {"post": _operation("Clear the cache, or only old entries", cleared, _body(age))},
        "/healthz": {
            "get": _operation("Check that the server is running", {"200": _json("It is running", ref("Health"))})
        },
    }


def _page_paths() -> Part:
    """Return the paths that only the chat page uses, and the one of this document."""
    anything = {"200": _json("JSON", {"type": "object"})}
    token = schemas.closed_object({"token": {"type": "string"}}, ["token"])
    return {
        "/api/page": {
            "get": _operation("The data that the chat page starts with", {"200": _json("The data", ref("Page"))})
        },
        "/api/login": {
            "post": _operation(
                "Sign a browser in", {"204": {"description": "Signed in"}, **_limit_responses()}, _body(token)
            )
        },
        "/openapi.json": {"get": _operation("This document", anything)},
    }


def _operation(summary: str, responses: Part, body: Part | None = None) -> Part:
    refused = {status: _json(why, ref("Error")) for status, why in _REFUSALS.items()}
    operation: Part = {"summary": summary, "responses": {**refused, **responses}}
    return operation if body is None else {**operation, "requestBody": body}


def _body(schema: Part) -> Part:
    """Return a request body: JSON, or a form whose fields and files are named after the options."""
    kinds = {"application/json": {"schema": schema}, "multipart/form-data": {"schema": {"type": "object"}}}
    return {"required": True, "content": kinds}


def _json(description: str, schema: Part) -> Part:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _parameter(name: str, place: str, description: str) -> Part:
    return {"name": name, "in": place, "required": True, "description": description, "schema": {"type": "string"}}


def _limit_responses() -> Part:
    headers = {name: {"description": what, "schema": {"type": "integer"}} for name, what in _LIMIT_HEADERS.items()}
    return {
        "413": _json("Too large", ref("Error")),
        "429": {**_json("The rate limit is reached", ref("Error")), "headers": headers},
    }


def _state_responses() -> Part:
    return {
        "200": _json("The answer, available at once", ref("State")),
        "202": _json("The job is queued", ref("State")),
    }


def _result_responses(command: Command, route: Route) -> Part:
    result = {"200": _json("The result", ref(file_answer_model(command, route).__name__))}
    question = {"428": _json("A question to answer first: send its button to POST /jobs", ref("State"))}
    return {**result, **question} if command.may_ask else result


def _missing_response() -> Part:
    return {"404": _json("It does not exist, or it is not yours", ref("Error"))}


def _events() -> Part:
    stream = {"text/event-stream": {"schema": {"type": "string"}}}
    return {"200": {"description": "Server-sent events, each a State as JSON", "content": stream}}
