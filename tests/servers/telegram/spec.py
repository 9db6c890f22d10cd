"""Check requests and answers against Telegram's own description of its Bot API, types and limits alike."""

import html
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

SPEC = Path(__file__).parents[4] / "shared" / "specs" / "telegram_bot_api.json"
Shape = dict[str, Any]
NUMBERS: dict[str, tuple[type, ...]] = {"Integer": (int,), "Float": (int, float)}
LIMITS = (
    (re.compile(r"(\d+)-(\d+) characters"), len),
    (re.compile(r"(\d+)-(\d+) bytes"), lambda text: len(text.encode())),
    (re.compile(r"must include (\d+)-(\d+) items"), len),
    (re.compile(r"(A)t most (\d+) commands"), len),
)


class Spec:
    """The description, which is read once. Every check yields a sentence for each mismatch."""

    def __init__(self, path: Path = SPEC) -> None:
        document = json.loads(path.read_text())
        self._methods: dict[str, Shape] = document["methods"]
        self._types: dict[str, Shape] = document["types"]

    def request(self, method: str, form: Mapping[str, Any]) -> Iterator[str]:
        """Yield the problems of a request. `form` holds text for plain fields and bytes for files."""
        if method not in self._methods:
            yield f"there is no method {method}"
            return
        fields = self._fields(self._methods[method])
        typed = {name: _typed(value, fields[name]["types"]) for name, value in form.items() if name in fields}
        attached = _attached(typed.values())
        yield from (f"{method}.{name} is unknown" for name in set(form) - set(fields) - attached)
        yield from self._filled(method, fields, typed)

    def answer(self, method: str, result: Any) -> Iterator[str]:
        yield from self._any(self._methods[method]["returns"], result, f"{method} ->")

    def update(self, update: Shape) -> Iterator[str]:
        yield from self._any(["Update"], update, "update")

    def _fields(self, shape: Shape) -> dict[str, Shape]:
        return {field["name"]: field for field in shape.get("fields", [])}

    def _filled(self, where: str, fields: dict[str, Shape], values: Mapping[str, Any]) -> Iterator[str]:
        for name, field in fields.items():
            if name in values:
                yield from self._any(field["types"], values[name], f"{where}.{name}")
                yield from _limits(field["description"], values[name], values, f"{where}.{name}")
            elif field["required"]:
                yield f"{where}.{name} is missing"

    def _any(self, types: list[str], value: Any, where: str) -> Iterator[str]:
        """Yield the problems under the type that fits best."""
        yield from min((list(self._one(name, value, where)) for name in types), key=len)

    def _one(self, name: str, value: Any, where: str) -> Iterator[str]:
        if name.startswith("Array of "):
            yield from self._array(name.removeprefix("Array of "), value, where)
        elif name in self._types and name != "InputFile":
            yield from self._object(name, value, where)
        elif not _is_plain(name, value):
            yield f"{where} is {value!r:.60}, not {name}"

    def _array(self, name: str, value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"{where} is {value!r:.60}, not an array of {name}"
            return
        for index, item in enumerate(value):
            yield from self._one(name, item, f"{where}[{index}]")

    def _object(self, name: str, value: Any, where: str) -> Iterator[str]:
        shape = self._types[name]
        if "subtypes" in shape:
            yield from self._any(shape["subtypes"], value, where)
        elif not isinstance(value, dict):
            yield f"{where} is {value!r:.60}, not {name}"
        else:
            fields = self._fields(shape)
            yield from (f"{where}.{key} is unknown to {name}" for key in value if key not in fields)
            yield from self._filled(where, fields, value)


def _is_plain(name: str, value: Any) -> bool:
    if name in NUMBERS:
        return isinstance(value, NUMBERS[name]) and not isinstance(value, bool)
    return isinstance(value, {"String": str, "Boolean": bool, "InputFile": bytes}[name])


def _typed(value: Any, types: list[str]) -> Any:
    """Return a form field as JSON where its type is not text. Text that is not JSON is returned as it is, and reported
    later.
    """
    if isinstance(value, bytes):
        return value
    if "String" in types and not ("Integer" in types and value.lstrip("-").isdigit()):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _attached(values: Any) -> set[str]:
    """Return the names of the files that `attach://name` refers to, anywhere in the values."""
    return set(re.findall(r"attach://([^\"]+)", json.dumps([v for v in values if not isinstance(v, bytes)])))


def _limits(description: str, value: Any, beside: Mapping[str, Any], where: str) -> Iterator[str]:
    if "after entit" in description and "parse_mode" in beside:
        value = html.unescape(re.sub(r"<[^>]*>", "", value))
    for pattern, measure in LIMITS:
        found = pattern.search(description)
        if found and isinstance(value, str | list):
            low, high = 0 if found[1] == "A" else int(found[1]), int(found[2])
            if not low <= measure(value) <= high:
                yield f"{where} has {measure(value)}, allowed are {low} to {high}"
