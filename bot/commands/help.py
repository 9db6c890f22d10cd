"""/help: list the commands, or explain one with its options. Everything is read from the declarations."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from pydantic import Field

from bot.core.command import Command, Reply
from bot.requests.call import Call, command
from bot.requests.contexts import CommandFinder
from bot.requests.lookup import unknown_command_error, visible_commands
from engine.core.options import Option
from engine.core.params import TaskParams


class Params(TaskParams):
    """The options. Without `command`, every command is listed."""

    command: str = Field(
        "",
        description="Which command to explain; all of them by default",
        max_length=40,
        examples=["imagine"],
        json_schema_extra={"positional": True},
    )


@command("How to use Atelier")
async def help(call: Call[CommandFinder], params: Params) -> Reply:  # noqa: A001  # the function has the name that people type
    """List the commands, or explain one. Raises BadInput for a command that the user cannot see."""
    visible = visible_commands(call.studio, call.request)
    if not params.command:
        return _list_commands(call, visible)
    name = params.command.removeprefix("/").lower()
    chosen = next((command for command in visible if command.name == name), None)
    if chosen is None:
        raise unknown_command_error(name, visible)
    return Reply("\n".join(_format_command(call, chosen)), facts={"commands": [_describe_command(chosen)]})


def _list_commands(call: Call[CommandFinder], commands: Sequence[Command]) -> Reply:
    lines = [f"/{command.name} · {call.translate(command.description)}" for command in commands]
    lines += ["", call.translate("Type /help {command} to see its options.", command=commands[0].name)]
    return Reply("\n".join(lines), facts={"commands": [_describe_command(command) for command in commands]})


def _format_command(call: Call[CommandFinder], command: Command) -> Iterator[str]:
    yield f"/{command.name} · {call.translate(command.description)}"
    options = command.params.options()
    if options:
        yield ""
    for option in options:
        yield _format_option(call, option)
    if examples := _build_examples(command):
        yield ""
        yield call.translate("For example:")
        yield from examples


def _format_option(call: Call[CommandFinder], option: Option) -> str:
    remarks = [remark for remark in (_format_bounds(call, option), _format_default(call, option)) if remark]
    text = f"{option.name}: {call.translate(option.description)}"
    return f"{text} ({'; '.join(remarks)})" if remarks else text


def _format_bounds(call: Call[CommandFinder], option: Option) -> str:
    match option.kind:
        case "choice":
            return ", ".join(map(str, option.choices))
        case "flag":
            return call.translate("on or off")
        case "media":
            return call.translate("attach a file")
        case "text":
            return _format_length(call, option)
    return _format_range(call, option)


def _format_length(call: Call[CommandFinder], option: Option) -> str:
    """Return the bound of a text; nothing for ids and names, which are always short."""
    if option.maximum is None or option.positional:
        return ""
    return call.translate("up to {count:,} character", plural="up to {count:,} characters", count=int(option.maximum))


def _format_range(call: Call[CommandFinder], option: Option) -> str:
    match option.minimum, option.maximum:
        case (None, None):
            return ""
        case (low, None):
            return call.translate("{low} or more", low=low or 0)
        case (None, high):
            return call.translate("up to {high}", high=high or 0)
        case (low, high):
            return call.translate("{low} to {high}", low=low or 0, high=high or 0)
    raise AssertionError("every pair of bounds is matched")


def _format_default(call: Call[CommandFinder], option: Option) -> str:
    if option.required:
        return call.translate("required")
    if option.default is None or option.default == "":
        return ""
    default = ("off", "on")[option.default] if option.kind == "flag" else str(option.default)
    return call.translate("default: {default}", default=default)


def _build_examples(command: Command) -> list[str]:
    """Return example lines from the fields' examples: first without named options, then with all of them."""
    unnamed, named = [f"/{command.name}"], []
    for option in command.params.options():
        examples = command.params.model_fields[option.name].examples or []
        if examples and (option.rest or option.positional):
            unnamed.append(str(examples[0]))
        elif examples:
            named.append(f"--{option.name} {examples[0]}")
    lines = ([unnamed] if len(unnamed) > 1 else []) + ([[*unnamed, *named]] if named else [])
    return [" ".join(line) for line in lines]


def _describe_command(command: Command) -> dict[str, Any]:
    options = [json.loads(json.dumps(asdict(option))) for option in command.params.options()]
    return {"name": command.name, "description": command.description, "admin": command.admin, "options": options}
