"""`/openapi.json`: the HTTP API as an OpenAPI 3.1 document, its options from the commands' declarations."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiohttp import web

from bot.adapters.web import schemas
from bot.adapters.web.request_body import ALIASES, DEFAULT_COMMAND, ROUTES
from bot.adapters.web.schemas import ref
from bot.core.command import Command

Part = dict[str, Any]

_REFUSALS = {
    "400": "A value does not fit",
    "401": "The token is missing or wrong",
    "403": "Not allowed",
    "408": "The body came too slowly",
    "503": "The engine is down",
}
_LIMIT_HEADERS = {
    "Retry-After": "Seconds to wait",
    "X-RateLimit-Limit": "Jobs in a window",
    "X-RateLimit-Remaining": "Jobs left",
    "X-RateLimit-Reset": "Unix time in seconds when there is room again",
}
_REPORTS = {
    "/api/cache/stats": "What the cache holds",
    "/api/rate-limit/stats": "What you have left of each command",
    "/api/services/status": "Which backend serves each command, and which platforms are on",
    "/api/system/info": "Devices, memory, queue, uptime and versions",
}


def routes(commands: Sequence[Command]) -> Iterable[web.RouteDef]:
    told = build_openapi(commands)

    async def openapi(_: web.Request) -> web.Response:
        return web.json_response(told)

    return (web.get("/openapi.json", openapi),)


def build_openapi(commands: Sequence[Command]) -> Part:
    return {
        "openapi": "3.1.0",
        "info": {"title": "Atelier", "version": "1", "description": "A self-hosted media studio: jobs in, media out."},
        "paths": {**_command_paths(commands), **_job_paths(), **_reports(), **_page()},
        "components": {
            "schemas": schemas.all_of(commands),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _command_paths(commands: Sequence[Command]) -> Part:
    known = {command.name: ref(schemas.options_name(command)) for command in commands}
    asks = [*(ref(schemas.ask_name(command)) for command in commands), ref("Line"), ref("Press")]
    answers = {"200": _json("The answer, which was there", ref("State")), "202": _json("It is queued", ref("State"))}
    return {
        **_waiting_paths(known),
        **{
            path: {
                "post": _operation(
                    "Make it as a job, which `/jobs/{id}` follows to its media",
                    {**answers, **_limit_responses()},
                    _body(_with_aliases(commands, command)),
                )
            }
            for path, command in ROUTES.items()
        },
        "/jobs": {
            "post": _operation(
                "Run a command, a line as typed in the chat, or a button of a state",
                {**answers, **_limit_responses()},
                _body({"oneOf": asks}),
            )
        },
    }


def _waiting_paths(known: Mapping[str, Part]) -> Part:
    """The addresses that answer with what was made."""
    return {
        "/generate-image": {
            "post": _operation(
                "Draw, and wait for the picture. Hanging up cancels.",
                {"200": _json("The picture", ref("Image")), **_limit_responses()},
                _body(known.get(DEFAULT_COMMAND, {})),
            )
        },
        "/enhance-media": {
            "post": _operation(
                "Enlarge, and wait for the result. Hanging up cancels.",
                {"200": _json("The larger picture or video", ref("Enlarged")), **_limit_responses()},
                _body(known.get("upscale", {})),
            )
        },
        "/face-swap": {
            "post": _operation(
                "Swap faces, and wait for the result. Hanging up cancels.",
                {
                    "200": _json("The picture or video with the other face", ref("Swapped")),
                    "428": _json("You are asked first: press the button with POST /jobs, once", ref("State")),
                    **_limit_responses(),
                },
                _body(known.get("faceswap", {})),
            )
        },
        "/live-portrait": {
            "post": _operation(
                "Make a portrait speak, and wait for the video. Hanging up cancels.",
                {"200": _json("The talking portrait", ref("Animated")), **_limit_responses()},
                _body(known.get("animate", {})),
            )
        },
    }


def _with_aliases(commands: Sequence[Command], name: str) -> Part:
    """The command's options, also by the other names that they have at an address of its own."""
    command = next((each for each in commands if each.name == name), None)
    if command is None:
        return {}
    options = schemas.options_of(command)
    own = options["properties"]
    aliases = {alias: own[option] for alias, option in ALIASES.items() if option in own}
    return {**options, "properties": {**own, **aliases}}


def _job_paths() -> Part:
    job = _parameter("id", "path", "The job's id")
    file = [_parameter("file", "path", "SHA-256 and suffix"), _parameter("key", "query", "As in the result's `url`")]
    until = _parameter("until", "query", "As in the link: a Unix time in seconds")
    shared = [_parameter("name", "path", "SHA-256 and suffix"), _parameter("key", "query", "As in the link"), until]
    state = {"200": _json("Its state", ref("State")), **_missing_response()}
    bytes_ = {"200": {"description": "The file", "content": {"*/*": {}}}, **_missing_response()}
    return {
        "/jobs/{id}": {
            "parameters": [job],
            "get": _operation("How a job stands", state),
            "delete": _operation("Cancel a job", state),
        },
        "/jobs/{id}/events": {
            "parameters": [job],
            "get": _operation("A job's states as they change, to its end", {**_events(), **_missing_response()}),
        },
        "/events": {"get": _operation("The states of all your live jobs as they change", _events())},
        "/shared/{name}": {"parameters": shared, "get": _operation("A file that was too large for a chat", bytes_)},
        "/media/{file}": {"parameters": file, "get": _operation("A file, for whom its address was made", bytes_)},
    }


def _reports() -> Part:
    facts = {"200": _json("Figures", ref("Facts"))}
    age = schemas.closed_object({"max_age_days": {"type": "integer", "minimum": 0}}, [])
    return {
        **{path: {"get": _operation(summary, facts)} for path, summary in _REPORTS.items()},
        "/api/cache/clear": {"post": _operation("Clear the cache, or what is older", facts, _body(age))},
        "/healthz": {"get": _operation("That the server serves", {"200": _json("It does", ref("Health"))})},
    }


def _page() -> Part:
    anything = {"200": _json("As JSON", {"type": "object"})}
    token = schemas.closed_object({"token": {"type": "string"}}, ["token"])
    return {
        "/api/page": {"get": _operation("What the chat page reads at its start", anything)},
        "/api/login": {
            "post": _operation(
                "Let a browser in", {"204": {"description": "It is in"}, **_limit_responses()}, _body(token)
            )
        },
        "/openapi.json": {"get": _operation("This document", anything)},
    }


def _operation(summary: str, responses: Part, body: Part | None = None) -> Part:
    refused = {status: _json(why, ref("Error")) for status, why in _REFUSALS.items()}
    told: Part = {"summary": summary, "responses": {**refused, **responses}}
    return told if body is None else {**told, "requestBody": body}


def _body(schema: Part) -> Part:
    """As JSON, or as a form whose fields are the options and whose files go by the option's name."""
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
        "429": {**_json("Too many in the window", ref("Error")), "headers": headers},
    }


def _missing_response() -> Part:
    return {"404": _json("It is not there, or not yours", ref("Error"))}


def _events() -> Part:
    stream = {"text/event-stream": {"schema": {"type": "string"}}}
    return {"200": {"description": "Server-sent events, each a State as JSON", "content": stream}}
