"""Error messages for config.toml: which key is wrong, on which line, and what is allowed."""

import difflib
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bot.config.toml_file import TomlFile, has_path
from engine.core.errors import BadInput, UserMessage

Known = Mapping[str, Collection[str]]
"""The keys of each section."""
Path = tuple[str | int, ...]
"""The keys and list indices that lead to a value."""


def config_error(
    detail: ErrorDetails, file: TomlFile, values: Mapping[str, Any], known: Known, model: type[BaseModel]
) -> BadInput:
    """Return the error for pydantic's `detail` about `values`, the content of `file`."""
    path = _path_in_file(detail["loc"], values)
    if detail["type"] == "extra_forbidden":
        return unknown_key_error(path, file, known)
    return BadInput(
        "{file}, line {line}: {key} is {value}; it must be {allowed}.",
        file=file.name,
        line=file.line_of(path),
        key=_format_path(path),
        value=_format_value(_value_at(values, path)),
        allowed=_describe_type(path, model),
    )


def token_error(section: str, variable: str, file: TomlFile) -> BadInput:
    """Return the error for a secret in the file. The message does not repeat the secret."""
    return BadInput(
        "{file}, line {line}: {key} is a secret and does not belong in this file. Remove it and set {variable}.",
        file=file.name,
        line=file.line_of((section, "token")),
        key=f"{section}.token",
        variable=variable,
    )


def unknown_key_error(path: Path, file: TomlFile, known: Known) -> BadInput:
    """Return the error for a key that the file may not have. It suggests the nearest one that it may have."""
    *parents, name = map(str, path)
    siblings = known[parents[0]] if parents else known
    near = _closest_key(name, parents, known)
    facts: dict[str, str | int | float] = {
        "file": file.name,
        "line": file.line_of(path),
        "key": _format_path(path),
        "known": ", ".join(siblings),
    }
    template = "{file}, line {line}: there is no key {key}. The keys here are: {known}."
    if near:
        template = "{file}, line {line}: there is no key {key}. Did you mean {near}? The keys here are: {known}."
        facts["near"] = near
    return BadInput.of(UserMessage(template=template, facts=facts))


def _closest_key(name: str, parents: list[str], known: Known) -> str:
    """Return the known key that was probably meant, with its section, or an empty string."""
    close = difflib.get_close_matches(name, known[parents[0]] if parents else known, n=1)
    if close:
        return ".".join([*parents, close[0]])
    return next((f"{section}.{name}" for section, keys in known.items() if name in keys), "")


def _path_in_file(location: Sequence[str | int], values: Mapping[str, Any]) -> Path:
    """Return the part of pydantic's location that exists in the file. The rest names variants of a type."""
    length = next(n for n in range(len(location), 0, -1) if has_path(values, location[:n]))
    return tuple(location[:length])


def _value_at(values: Any, path: Path) -> Any:
    for step in path:
        values = values[step]
    return values


def _format_path(path: Path) -> str:
    """Return the path in one word: `discord.admins[1]`."""
    first, *rest = path
    return str(first) + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in rest)


def _format_value(value: Any) -> str:
    """Return `value` roughly as TOML writes it, in at most 40 characters."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except ValueError:  # a hexadecimal number of more than 4,300 decimal digits
        text = "a number with thousands of digits"
    return text if len(text) <= 40 else text[:39] + "…"


def _describe_type(path: Path, model: type[BaseModel]) -> str:
    field = model.model_fields[str(path[0])]
    if len(path) == 1:
        return f"a section, written [{path[0]}]"
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
        field = field.annotation.model_fields[str(path[1])]
    return _describe_allowed_values(field)


def _describe_allowed_values(field: FieldInfo) -> str:
    """Return the field's own description of what is allowed."""
    extra = field.json_schema_extra
    return str(extra["allowed"]) if isinstance(extra, dict) else "something else"
