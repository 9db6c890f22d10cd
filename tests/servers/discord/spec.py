"""Check every request against Discord's own OpenAPI description: path, method, query names and JSON body."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry
from referencing.jsonschema import DRAFT202012

SPEC = Path(__file__).parents[4] / "shared" / "specs" / "discord_openapi.json"
HOME = "urn:discord"


class Spec:
    """The description, which is read once. `problems` yields a sentence for each mismatch."""

    def __init__(self, path: Path = SPEC) -> None:
        self._document = json.loads(path.read_text())
        _take_whole_numbers_as_snowflakes(self._document)
        resource = DRAFT202012.create_resource(self._document)
        self._registry: Registry[Any] = Registry().with_resource(HOME, resource)
        self._templates = {template: template.strip("/").split("/") for template in self._document["paths"]}

    def problems(self, method: str, path: str, query: set[str], body: Any) -> Iterator[str]:
        """Yield the problems of a request. `body` is its JSON, the `payload_json` of a multipart form, or None."""
        template = self._template(path.strip("/").split("/"))
        operation = self._document["paths"].get(template, {}).get(method.lower())
        if operation is None:
            yield f"{method} {path}: there is no such operation"
            return
        declared = [*self._document["paths"][template].get("parameters", []), *operation.get("parameters", [])]
        unknown = query - {item["name"] for item in declared if item["in"] == "query"}
        yield from (f"{method} {template}: there is no query parameter {name}" for name in sorted(unknown))
        yield from self._body(method, template, operation.get("requestBody"), body)

    def _template(self, path: list[str]) -> str:
        """Return the matching path template with the most literal segments, or an empty text."""
        fitting = [(_literals(parts, path), template) for template, parts in self._templates.items()]
        best, template = max(fitting)
        return template if best >= 0 else ""

    def _body(self, method: str, template: str, declared: Any, body: Any) -> Iterator[str]:
        if declared is None or body is None:
            if body is not None or (declared or {}).get("required"):
                yield f"{method} {template}: the body is {'not expected' if body is not None else 'missing'}"
            return
        pointer = f"/paths/{template.replace('/', '~1')}/{method.lower()}/requestBody/content/application~1json/schema"
        validator = Draft202012Validator({"$ref": f"{HOME}#{pointer}"}, registry=self._registry)
        fault = best_match(validator.iter_errors(body))
        if fault is not None:
            yield f"{method} {template}: {fault.json_path}: {fault.message[:300]}"


def _literals(template: list[str], path: list[str]) -> int:
    """Return how many segments are literally equal, or -1 where the path does not match the template."""
    if len(template) != len(path):
        return -1
    same = [part == given for part, given in zip(template, path, strict=True)]
    fits = all(equal or part.startswith("{") for part, equal in zip(template, same, strict=True))
    return sum(same) if fits else -1


def _take_whole_numbers_as_snowflakes(document: Any) -> None:
    """Allow numbers where the description has snowflakes as text. Discord accepts both, and discord.py numbers new
    attachments.
    """
    schemas = document["components"]["schemas"]
    schemas["SnowflakeType"] = {"anyOf": [schemas["SnowflakeType"], {"type": "integer", "minimum": 0}]}
