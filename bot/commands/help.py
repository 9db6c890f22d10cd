"""/help: every command, or one with its options, read from the declarations."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from pydantic import Field

from bot.core.command import Command, Reply
from bot.requests.call import Call, command
from bot.requests.lookup import unknown_command_error, visible_commands
from engine.core.params import Option, TaskParams


class Params(TaskParams):
    """Without `command`, all of them."""

    command: str = Field(
        "",
        description="The command to explain; leave it out for all",
        max_length=40,
        examples=["imagine"],
        json_schema_extra={"positional": True},
    )


@command("What you can ask for, and how")
async def help(call: Call, params: Params) -> Reply:  # noqa: A001  # a command is called what people type
    open_to = visible_commands(call.studio, call.request)
    if not params.command:
        return _all(call, open_to)
    name = params.command.removeprefix("/").lower()
    found = next((each for each in open_to if each.name == name), None)
    if found is None:
        raise unknown_command_error(name, open_to)
    return Reply("\n".join(_lines(call, found)), facts={"commands": [_facts(found)]})


def _all(call: Call, commands: Sequence[Command]) -> Reply:
    lines = [f"/{each.name} · {call.translate(each.description)}" for each in commands]
    lines += ["", call.translate("/help {command} shows its options.", command=commands[0].name)]
    return Reply("\n".join(lines), facts={"commands": [_facts(each) for each in commands]})


def _lines(call: Call, command: Command) -> Iterator[str]:
    yield f"/{command.name} · {call.translate(command.description)}"
    options = command.params.options()
    if options:
        yield ""
    for option in options:
        yield _line(call, option)
    if examples := _examples(command):
        yield ""
        yield call.translate("For example:")
        yield from examples


def _line(call: Call, option: Option) -> str:
    remarks = [remark for remark in (_bounds(call, option), _default(call, option)) if remark]
    told = f"{option.name}: {call.translate(option.description)}"
    return f"{told} ({'; '.join(remarks)})" if remarks else told


def _bounds(call: Call, option: Option) -> str:
    match option.kind:
        case "choice":
            return ", ".join(map(str, option.choices))
        case "flag":
            return call.translate("on or off")
        case "media":
            return call.translate("attach a file")
        case "text":
            return _length(call, option)
    return _range(call, option)


def _length(call: Call, option: Option) -> str:
    """Nothing for ids and names, which are short by nature."""
    if option.maximum is None or option.positional:
        return ""
    return call.translate("up to {count} characters", count=option.maximum)


def _range(call: Call, option: Option) -> str:
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


def _default(call: Call, option: Option) -> str:
    if option.required:
        return call.translate("needed")
    if option.default is None or option.default == "":
        return ""
    default = ("off", "on")[option.default] if option.kind == "flag" else str(option.default)
    return call.translate("{default} if left out", default=default)


def _examples(command: Command) -> list[str]:
    """Typed lines from the fields' own examples: what needs no name alone, then with every other option."""
    bare, named = [f"/{command.name}"], []
    for option in command.params.options():
        given = command.params.model_fields[option.name].examples or []
        if given and (option.rest or option.positional):
            bare.append(str(given[0]))
        elif given:
            named.append(f"--{option.name} {given[0]}")
    lines = ([bare] if len(bare) > 1 else []) + ([[*bare, *named]] if named else [])
    return [" ".join(line) for line in lines]


def _facts(command: Command) -> dict[str, Any]:
    options = [json.loads(json.dumps(asdict(option))) for option in command.params.options()]
    return {"name": command.name, "description": command.description, "admin": command.admin, "options": options}
