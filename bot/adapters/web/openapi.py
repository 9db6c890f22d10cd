"""`/openapi.json`: the HTTP API as an OpenAPI 3.1 document, its options from the commands' declarations."""

from collections.abc import Iterable, Sequence
from typing import Any

from aiohttp import web

from bot.adapters.web import schemas
from bot.adapters.web.intake import DEFAULT_COMMAND
from bot.adapters.web.schemas import ref
from bot.command import Command

_ERRORS = {"400": "A value does not fit", "401": "The token is missing or wrong", "403": "Not allowed", "503": "The engine is down"}
_JOB = {"name": "id", "in": "path", "required": True, "description": "The job's id", "schema": {"type": "string"}}
_LIMIT_HEADERS = {
    "Retry-After": "Seconds to wait",
    "X-RateLimit-Limit": "Jobs in a window",
    "X-RateLimit-Remaining": "Jobs left",
    "X-RateLimit-Reset": "Unix time in seconds when there is room again",
}


def routes(commands: Sequence[Command]) -> Iterable[web.RouteDef]:
    told = document(commands)

    async def openapi(_: web.Request) -> web.Response:
        return web.json_response(told)

    return (web.get("/openapi.json", openapi),)


def document(commands: Sequence[Command]) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "Atelier", "version": "1", "description": "A self-hosted media studio: jobs in, media out."},
        "paths": {**_job_paths(commands), **_report_paths()},
        "components": {
            "schemas": schemas.all_of(commands),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _job_paths(commands: Sequence[Command]) -> dict[str, Any]:
    default = next((command for command in commands if command.name == DEFAULT_COMMAND), None)
    asks = [ref(schemas.ask_name(command)) for command in commands]
    ended = _json("The answer, made already", ref("State"))
    drawing = {} if default is None else {
        "/generate-image": {
            "post": _operation(
                "Draw, and wait for the picture. Hanging up cancels.",
                {"200": _json("The picture", ref("Image")), **_limited()},
                body=_body(ref(schemas.options_name(default))),
            )
        }
    }
    return {
        **drawing,
        "/jobs": {
            "post": _operation(
                "Run a command, or a line as typed in the chat",
                {"200": ended, "202": _json("The job was queued", ref("State")), **_limited()},
                body=_body({"oneOf": [*asks, ref("Line")]}),
            )
        },
        "/jobs/{id}": {
            "parameters": [_JOB],
            "get": _operation("How a job stands", {"200": _json("Its state", ref("State")), **_unknown()}),
            "delete": _operation("Cancel a job", {"200": _json("How it ended", ref("State")), **_unknown()}),
        },
        "/jobs/{id}/events": {
            "parameters": [_JOB],
            "get": _operation("A job's states as they change, to its end", {"200": _events(), **_unknown()}),
        },
        "/events": {"get": _operation("The states of all your live jobs as they change", {"200": _events()})},
        "/media/{file}": {
            "parameters": [
                {"name": "file", "in": "path", "required": True, "schema": {"type": "string"}, "description": "SHA-256 and suffix"},
                {"name": "key", "in": "query", "required": True, "schema": {"type": "string"}, "description": "As in the `url` of a result"},
            ],
            "get": _operation("A file of a result, for whom its address was made", {"200": _file(), **_unknown()}),
        },
    }


def _report_paths() -> dict[str, Any]:
    clear = {"type": "object", "properties": {"max_age_days": {"type": "integer", "minimum": 0}}, "additionalProperties": False}
    token = {"type": "object", "properties": {"token": {"type": "string"}}, "required": ["token"]}
    facts = {"200": _json("Figures", ref("Facts"))}
    return {
        "/api/cache/stats": {"get": _operation("What the cache holds", facts)},
        "/api/cache/clear": {"post": _operation("Clear the cache, or what is older", facts, body=_body(clear))},
        "/api/rate-limit/stats": {"get": _operation("What you have left of each command", facts)},
        "/api/services/status": {"get": _operation("Which backend serves each command, and which platforms are on", facts)},
        "/api/system/info": {"get": _operation("Devices, memory, queue, uptime and versions", facts)},
        "/api/page": {"get": _operation("What the chat page reads at its start", {"200": _json("Declarations", {"type": "object"})})},
        "/api/login": {
            "post": _operation("Give a browser the token once", {"204": {"description": "Let in"}, **_limited()}, body=_body(token))
        },
        "/healthz": {"get": _operation("That the server serves", {"200": _json("It does", ref("Health"))})},
        "/openapi.json": {"get": _operation("This document", {"200": _json("OpenAPI 3.1", {"type": "object"})})},
    }


def _operation(summary: str, responses: dict[str, Any], body: dict[str, Any] | None = None) -> dict[str, Any]:
    refused = {status: _json(why, ref("Error")) for status, why in _ERRORS.items()}
    told: dict[str, Any] = {"summary": summary, "responses": refused | responses}
    return told if body is None else {**told, "requestBody": body}


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    """As JSON, or as a form whose fields are the options and whose files go by the option's name."""
    return {"required": True, "content": {"application/json": {"schema": schema}, "multipart/form-data": {"schema": {"type": "object"}}}}


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _limited() -> dict[str, Any]:
    headers = {name: {"description": what, "schema": {"type": "integer"}} for name, what in _LIMIT_HEADERS.items()}
    return {
        "413": _json("Too large", ref("Error")),
        "429": {**_json("Too many in the window", ref("Error")), "headers": headers},
    }


def _unknown() -> dict[str, Any]:
    return {"404": _json("It is not there, or not yours", ref("Error"))}


def _events() -> dict[str, Any]:
    return {"description": "Server-sent events, each a State as JSON", "content": {"text/event-stream": {"schema": {"type": "string"}}}}


def _file() -> dict[str, Any]:
    return {"description": "The file", "content": {"*/*": {}}}
