"""JSON Schemas of the API's requests and responses, for its OpenAPI document."""

from collections.abc import Sequence
from typing import Any

from bot.core.command import Command
from engine.core.options import Option

_STATES = ["queued", "running", "done", "failed", "cancelled"]
"""The states of a job."""
_TYPES = {"text": "string", "integer": "integer", "number": "number", "flag": "boolean"}
"""JSON Schema types by the kind of an option."""


def ref(name: str) -> dict[str, Any]:
    """Return a reference to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def options_name(command: Command) -> str:
    """Return the name of the schema of the command's options."""
    return f"{command.name.capitalize()}Options"


def ask_name(command: Command) -> str:
    """Return the name of the schema of the command's request."""
    return f"{command.name.capitalize()}Ask"


def build_schemas(commands: Sequence[Command]) -> dict[str, Any]:
    """Return all schemas by name."""
    options = {options_name(command): options_of(command) for command in commands}
    requests = {ask_name(command): _ask(command) for command in commands}
    return {**options, **requests, **_fixed_schemas()}


def options_of(command: Command) -> dict[str, Any]:
    """Return the schema of the command's options."""
    options = command.params.options()
    return closed_object(
        {option.name: _option(option) for option in options}, [option.name for option in options if option.required]
    )


def _option(option: Option) -> dict[str, Any]:
    schema: dict[str, Any] = {"description": option.description, **_value(option)}
    if not option.required and option.default is not None:
        schema["default"] = option.default
    return schema if option.required else {"anyOf": [schema, {"type": "null"}], "description": option.description}


def _value(option: Option) -> dict[str, Any]:
    if option.kind == "media":
        return {"type": "string", "pattern": "^(data:[^,]*;base64,|job:)"}
    if option.kind == "choice":
        return {"enum": list(option.choices)}
    names = ("minLength", "maxLength") if option.kind == "text" else ("minimum", "maximum")
    bounds = dict(zip(names, (option.minimum, option.maximum), strict=True))
    return {"type": _TYPES[option.kind], **{name: bound for name, bound in bounds.items() if bound is not None}}


def _ask(command: Command) -> dict[str, Any]:
    properties = {"command": {"const": command.name}, "options": ref(options_name(command))}
    schema = closed_object(properties, ["command"])
    return {**schema, "description": command.description}


def _fixed_schemas() -> dict[str, Any]:
    """Return the schemas that do not depend on the commands."""
    return {
        "Line": closed_object({"line": {"type": "string", "examples": ["/imagine a red cat --shape wide"]}}, ["line"]),
        "Press": _press(),
        "State": _state(),
        "Result": _object(text=_string(), facts={"type": "object"}, media={"type": "array", "items": ref("Media")}),
        "Media": _media(),
        "Button": _button(),
        "Image": _media_result_schema("image", seed={"type": "integer"}),
        "Enlarged": _media_result_schema("(image|video)", scale={"type": "number"}, model=_string()),
        "Swapped": _media_result_schema("(image|video)", faces={"type": "integer"}),
        "Animated": _media_answer_schema({"video": _uri("video")}, voice=_string(), model=_string()),
        "Facts": {"type": "object", "properties": {"status": {"const": "success"}}, "required": ["status"]},
        "Health": _object(status={"const": "ok"}),
        "Error": _object(status={"const": "error"}, error=ref("Fault")),
        "Fault": closed_object(
            {"kind": _string(), "message": _string(), "wait": {"type": "number"}}, ["kind", "message"]
        ),
    }


def _press() -> dict[str, Any]:
    """Return the schema of a clicked button, by its id, with the text that the person edited."""
    id_ = {"type": "string", "examples": ["again:3f9a1c20be"]}
    return closed_object({"button": id_, "text": _string()}, ["button"])


def _button() -> dict[str, Any]:
    ends = {"withdraws": {"type": "boolean"}, "replaces": {"type": "boolean"}}
    words = {"label": _string(), "about": _string(), "edit": _nullable(_string())}
    return _object(command=_string(), argument=_string(), **words, **ends)


def _state() -> dict[str, Any]:
    """Return the schema of a job's state."""
    return _object(
        id=_nullable({"type": "string"}),
        state={"enum": _STATES},
        place=_nullable({"type": "integer", "minimum": 1}),
        stage=_nullable(_string()),
        fraction=_nullable({"type": "number", "minimum": 0, "maximum": 1}),
        seconds_left=_nullable({"type": "number"}),
        preview=_nullable(ref("Media")),
        cached={"type": "boolean"},
        text=_string(),
        alt=_string(),
        buttons={"type": "array", "items": ref("Button")},
        then={"type": "array", "items": _string()},
        result=_nullable(ref("Result")),
        error=_nullable(ref("Fault")),
    )


def _media() -> dict[str, Any]:
    """Return the schema of a file."""
    return _object(
        url={"type": "string", "format": "uri-reference"},
        name=_string(),
        mime=_string(),
        sha256={"type": "string", "pattern": "^[0-9a-f]{64}$"},
        bytes={"type": "integer", "minimum": 0},
        width=_nullable({"type": "integer"}),
        height=_nullable({"type": "integer"}),
        seconds=_nullable({"type": "number"}),
    )


def _media_result_schema(kind: str, **facts: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a result whose files are data URIs of this kind. `facts` are the facts it always has."""
    return _media_answer_schema({"image": _uri(kind), "images": {"type": "array", "items": _uri(kind)}}, **facts)


def _media_answer_schema(files: dict[str, Any], **facts: dict[str, Any]) -> dict[str, Any]:
    common = {"cached": {"type": "boolean"}, "notes": {"type": "array", "items": _string()}}
    properties = {"status": {"const": "success"}, "id": _string(), **files, **common, **facts}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _uri(kind: str) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^data:{kind}/"}


def closed_object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    """Return the schema of an object with these properties and no others."""
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object that has all of these properties and no others."""
    return closed_object(properties, list(properties))


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _string() -> dict[str, Any]:
    return {"type": "string"}
