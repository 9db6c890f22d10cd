"""The reference of the commands, read from their declarations in COMMANDS."""

from collections.abc import Iterator
from pathlib import Path

from bot.commands import COMMANDS
from bot.core.command import Command
from docs.markdown import code, codes, plain, sentence, table
from docs.results import buttons_of
from engine.core.options import Option
from storage.store import Rate

TYPED = tuple(command for command in COMMANDS if not command.hidden)
"""The commands that people type. The others are reached by their buttons."""
KINDS = {
    "text": "text",
    "integer": "whole number",
    "number": "number",
}
"""By kind, what an option takes. Choices, flags and files say which values they allow instead."""
PICTURES = Path(__file__).parent / "pictures" / "commands"
"""Pictures of results, by the names of their commands. `docs/pictures.py` makes them."""
MADE_BY = "*A real answer of the embedded tier on a CPU, rendered from the message that Atelier sends to Discord.*"
LEFT_OUT = {"language"}
"""Options that examples leave out: each has an example of its own, and theirs does not go with the English words."""
EVERYWHERE = "Discord, Telegram, the web page and HTTP"


def index() -> str:
    """Return a table of the commands that people type, with a link to the page of each."""
    rows = ((f"[/{each.name}]({each.name}.md)", sentence(plain(each.description))) for each in TYPED)
    return table(("command", "what it does"), rows)


def navigation(indent: str) -> str:
    """Return the line of each command's page in the site's navigation."""
    return "\n".join(f'{indent}{{ "/{each.name}" = "commands/{each.name}.md" }},' for each in TYPED)


def buttons() -> str:
    """Return a table of every button that a command declares, in the order of COMMANDS."""
    labelled = ((each.button.label, each) for each in COMMANDS if each.button is not None and each.button.label)
    rows = ((f"**{label}**", sentence(plain(each.description)), _places(label)) for label, each in labelled)
    return table(("button", "what a press does", "shown under"), rows)


def menus() -> str:
    """Return a table of the entries that commands have in the menu of a Discord message."""
    rows = ((f"**{each.menu}**", f"[/{each.name}]({each.name}.md)") for each in COMMANDS if each.menu)
    return table(("entry under *Apps*", "command"), rows)


def reference(name: str) -> str:
    """Return the facts, the options and an example of the command `name`. Raises KeyError for one that is unknown."""
    command = _command(name)
    parts = ["\n".join(f"- **{name}:** {fact}" for name, fact in _facts(command)), "## Options", _options(command)]
    if line := example(command):
        files = codes(option.name for option in command.params.options() if option.kind == "media" and option.required)
        parts += ["## Example", f"```text\n{line}\n```", *([f"Attach {files}."] if files else [])]
    if (PICTURES / f"{name}.webp").exists():
        parts += ["## Result", f"![What /{name} answers on Discord](../pictures/commands/{name}.webp)", MADE_BY]
    return "\n\n".join(parts)


def example(command: Command) -> str:
    """Return a line as people type it, from the examples of the options' fields; empty where no field has one."""
    words: list[str] = []
    for option in command.params.options():
        given = command.params.model_fields[option.name].examples or []
        if option.name in LEFT_OUT:
            continue
        bare = option.rest or option.positional
        words += [str(given[0]) if bare else f"--{option.name} {given[0]}"] if given else []
    return " ".join([f"/{command.name}", *words]) if words else ""


def addresses_of(command: Command) -> list[str]:
    """Return the HTTP addresses of the command's own, without `/jobs`, which takes every command."""
    route = [f"POST {command.route.path}"] if command.route else []
    return [*route, *(f"GET {report.path}" for report in command.reports)]


def _command(name: str) -> Command:
    return {command.name: command for command in TYPED}[name]


def _facts(command: Command) -> Iterator[tuple[str, str]]:
    yield "Where", EVERYWHERE
    yield "Who", "Admins" if command.admin else "Everyone"
    if command.ephemeral:
        yield "Answer", "Only you see it, where the platform allows that"
    if command.rate:
        yield "Rate limit", _limit(command.name, command.rate)
    yield "HTTP", codes([*addresses_of(command), "POST /jobs"])
    if command.menu:
        yield "Discord message menu", f"*Apps* → **{command.menu}**"
    if command.consent:
        yield "Consent", "You are asked once, before your first job"
    for result, labels in buttons_of(command.name):
        yield f"Buttons under {result}", ", ".join(f"**{label}**" for label in labels)


def _limit(name: str, rate: Rate) -> str:
    minutes, seconds = divmod(rate.seconds, 60)
    window = f"{rate.seconds:g} seconds" if seconds or minutes == 1 else f"{minutes:g} minutes"
    key = f"[{code(f'limits.{name}')}](../settings.md#limits)"
    return f"{rate.count} jobs in {window} for each person, unless {key} says otherwise"


def _options(command: Command) -> str:
    options = command.params.options()
    if not options:
        return "This command has no options."
    rows = ((code(each.name), sentence(plain(each.description)), _value(each), _default(each)) for each in options)
    return table(("option", "what it does", "value", "default"), rows)


def _value(option: Option) -> str:
    """Return the option's kind and what it allows; for a choice, the choices alone."""
    allowed = _format_allowed_values(option)
    if option.kind in ("choice", "flag"):
        return allowed
    if option.kind == "media":
        return f"file: {allowed}"
    return f"{KINDS[option.kind]}, {allowed}" if allowed else KINDS[option.kind]


def _format_allowed_values(option: Option) -> str:
    match option.kind:
        case "choice":
            return codes(option.choices)
        case "flag":
            return codes(("on", "off"))
        case "media":
            return " or ".join(option.accepts) or "image, sound or video"
        case "text":
            return f"up to {option.maximum:,.0f} characters" if option.maximum else ""
    return _range(option)


def _range(option: Option) -> str:
    match option.minimum, option.maximum:
        case None, None:
            return ""
        case low, None:
            return f"{low:g} or more"
        case None, high:
            return f"up to {_number(high)}"
        case low, high:
            return f"{_number(low)} to {_number(high)}"
    raise AssertionError("every pair of bounds is matched")


def _number(value: float | None) -> str:
    assert value is not None
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"


def _default(option: Option) -> str:
    if option.required:
        return "required"
    if option.default is None or option.default == "":
        return ""
    return code(("off", "on")[option.default] if option.kind == "flag" else option.default)


def _places(label: str) -> str:
    """Return the results that have the button, by the commands that give them."""
    shown = ((each, [result for result, labels in buttons_of(each.name) if label in labels]) for each in TYPED)
    return "; ".join(f"[/{each.name}]({each.name}.md): {', '.join(results)}" for each, results in shown if results)
