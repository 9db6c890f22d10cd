"""JSON Schemas of the API's requests and answers, for its OpenAPI document."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from bot.adapters.web import models
from bot.adapters.web.file_answers import file_answer_model
from bot.adapters.web.page_models import Page
from bot.core.command import Command
from bot.core.report_models import ClearedReport
from engine.core.options import Option

REF_TEMPLATE = "#/components/schemas/{model}"
"""The reference to a named schema."""
ANSWERS: tuple[type[BaseModel], ...] = (models.State, models.Error, models.Health, ClearedReport, Page)
"""What the API answers with besides the answers and reports that the commands declare."""
_TYPES = {"text": "string", "integer": "integer", "number": "number", "flag": "boolean"}
"""JSON Schema types by the kind of an option."""


def ref(name: str) -> dict[str, Any]:
    """Return a reference to a named schema."""
    return {"$ref": REF_TEMPLATE.format(model=name)}


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
    answers = [
        file_answer_model(command, command.route) for command in commands if command.route and command.route.waits
    ]
    reports = [report.model for command in commands for report in command.reports]
    return {**options, **requests, **_request_schemas(), **_answer_schemas([*ANSWERS, *answers, *reports])}


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


def _request_schemas() -> dict[str, Any]:
    """Return the schemas of what can be sent to `POST /jobs` besides a command."""
    line = {"type": "string", "examples": ["/imagine a red cat --shape wide"]}
    button = {"type": "string", "examples": ["again:3f9a1c20be"]}
    return {
        "Line": closed_object({"line": line}, ["line"]),
        "Press": closed_object({"button": button, "text": {"type": "string"}}, ["button"]),
    }


class _AnswerSchema(GenerateJsonSchema):
    """Leaves out what says nothing: a title that repeats the field's name, and a default that is never left out."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002  # overrides pydantic's
        """Return False."""
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Return the schema of the value."""
        return self.generate_inner(schema["schema"])


def _answer_schemas(answers: Sequence[type[BaseModel]]) -> dict[str, Any]:
    """Return the schemas of the answers and of the models in their fields."""
    _, schema = models_json_schema(
        [(model, "serialization") for model in answers],
        ref_template=REF_TEMPLATE,
        schema_generator=_AnswerSchema,
    )
    definitions: dict[str, Any] = schema["$defs"]
    return definitions


def closed_object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    """Return the schema of an object with these properties and no others."""
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
