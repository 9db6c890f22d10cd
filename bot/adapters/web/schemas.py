"""JSON Schemas of what the API takes and gives, for its OpenAPI document."""

from collections.abc import Sequence
from typing import Any

from bot.core.command import Command
from engine.core.params import Option

_STATES = ["queued", "running", "done", "failed", "cancelled"]
_TYPES = {"text": "string", "integer": "integer", "number": "number", "flag": "boolean"}


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def options_name(command: Command) -> str:
    return f"{command.name.capitalize()}Options"


def ask_name(command: Command) -> str:
    return f"{command.name.capitalize()}Ask"


def all_of(commands: Sequence[Command]) -> dict[str, Any]:
    declared = {options_name(command): options_of(command) for command in commands}
    asked = {ask_name(command): _ask(command) for command in commands}
    return {**declared, **asked, **_fixed_schemas()}


def options_of(command: Command) -> dict[str, Any]:
    """The schema of the command's options."""
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
    words = ("minLength", "maxLength") if option.kind == "text" else ("minimum", "maximum")
    bounds = dict(zip(words, (option.minimum, option.maximum), strict=True))
    return {"type": _TYPES[option.kind], **{word: bound for word, bound in bounds.items() if bound is not None}}


def _ask(command: Command) -> dict[str, Any]:
    properties = {"command": {"const": command.name}, "options": ref(options_name(command))}
    schema = closed_object(properties, ["command"])
    return {**schema, "description": command.description}


def _fixed_schemas() -> dict[str, Any]:
    """What the API answers, and the chat line and the pressed button that it takes."""
    return {
        "Line": closed_object({"line": {"type": "string", "examples": ["/imagine a red cat --shape wide"]}}, ["line"]),
        "Press": _press(),
        "State": _state(),
        "Result": _all(text=_string(), facts={"type": "object"}, media={"type": "array", "items": ref("Media")}),
        "Media": _media(),
        "Button": _button(),
        "Image": _media_result_schema("image", seed={"type": "integer"}),
        "Enlarged": _media_result_schema("(image|video)", scale={"type": "number"}, model=_string()),
        "Swapped": _media_result_schema("(image|video)", faces={"type": "integer"}),
        "Animated": _answer({"video": _uri("video")}, voice=_string(), model=_string()),
        "Facts": {"type": "object", "properties": {"status": {"const": "success"}}, "required": ["status"]},
        "Health": _all(status={"const": "ok"}),
        "Error": _all(status={"const": "error"}, error=ref("Fault")),
        "Fault": closed_object(
            {"kind": _string(), "message": _string(), "wait": {"type": "number"}}, ["kind", "message"]
        ),
    }


def _press() -> dict[str, Any]:
    """A button by its id, with what a person made of the text that it has for editing."""
    id_ = {"type": "string", "examples": ["again:3f9a1c20be"]}
    return closed_object({"button": id_, "text": _string()}, ["button"])


def _button() -> dict[str, Any]:
    ends = {"withdraws": {"type": "boolean"}, "replaces": {"type": "boolean"}}
    words = {"label": _string(), "about": _string(), "edit": _maybe(_string())}
    return _all(command=_string(), argument=_string(), **words, **ends)


def _state() -> dict[str, Any]:
    return _all(
        id=_maybe({"type": "string"}),
        state={"enum": _STATES},
        place=_maybe({"type": "integer", "minimum": 1}),
        stage=_maybe(_string()),
        fraction=_maybe({"type": "number", "minimum": 0, "maximum": 1}),
        seconds_left=_maybe({"type": "number"}),
        preview=_maybe(ref("Media")),
        cached={"type": "boolean"},
        text=_string(),
        alt=_string(),
        buttons={"type": "array", "items": ref("Button")},
        then={"type": "array", "items": _string()},
        result=_maybe(ref("Result")),
        error=_maybe(ref("Fault")),
    )


def _media() -> dict[str, Any]:
    return _all(
        url={"type": "string", "format": "uri-reference"},
        name=_string(),
        mime=_string(),
        sha256={"type": "string", "pattern": "^[0-9a-f]{64}$"},
        bytes={"type": "integer", "minimum": 0},
        width=_maybe({"type": "integer"}),
        height=_maybe({"type": "integer"}),
        seconds=_maybe({"type": "number"}),
    )


def _media_result_schema(kind: str, **facts: dict[str, Any]) -> dict[str, Any]:
    """A result as data URIs of this kind, beside its facts, of which `facts` are always there."""
    return _answer({"image": _uri(kind), "images": {"type": "array", "items": _uri(kind)}}, **facts)


def _answer(files: dict[str, Any], **facts: dict[str, Any]) -> dict[str, Any]:
    told = {"cached": {"type": "boolean"}, "notes": {"type": "array", "items": _string()}}
    properties = {"status": {"const": "success"}, "id": _string(), **files, **told, **facts}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _uri(kind: str) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^data:{kind}/"}


def closed_object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    """An object with these properties and no others."""
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _all(**properties: dict[str, Any]) -> dict[str, Any]:
    return closed_object(properties, list(properties))


def _maybe(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _string() -> dict[str, Any]:
    return {"type": "string"}
