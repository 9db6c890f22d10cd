"""Parse typed commands: `/imagine a red cat --shape wide --seed 7` into a command's name and its raw options."""

import re
from collections.abc import Iterable, Iterator

from engine.core.errors import BadInput
from engine.core.options import Option
from engine.core.params import TaskParams

_COMMAND = re.compile(r"/([a-z_]+)(?:@(\w+))?(?:\s+|$)", re.IGNORECASE)
_OPTION = re.compile(r"(?:^|\s)(?:--|—)([a-zA-Z_]+)(?:=|\s+|$)")
"""An option's name. Phones turn two hyphens into a long dash."""
_VALUE = re.compile(r"\"([^\"]*)\"|“([^”]*)”|(\S+)")
_FLAGS = {"on", "off", "true", "false", "yes", "no"}


def split_command(line: str) -> tuple[str, str, str] | None:
    """Return `(command, addressed bot or "", the words after it)`, or None if the line is not a command."""
    match = _COMMAND.match(line.strip())
    return (match[1].lower(), match[2] or "", line.strip()[match.end() :]) if match else None


def parse(params: type[TaskParams], words: str) -> dict[str, str]:
    """Return the raw options by name, for `params.parse`. Raises BadInput for words that no option takes."""
    options = {option.name: option for option in params.options()}
    unnamed, *named = _split_at_options(words)
    raw: dict[str, str] = {}
    unclaimed = [unnamed[1]]
    for name, value in named:
        raw[name], rest = _split_value(options.get(name), value)
        unclaimed.append(rest)
    return raw | _assign_unclaimed(" ".join(part for part in unclaimed if part), options.values(), raw)


def _split_at_options(words: str) -> Iterator[tuple[str, str]]:
    """Yield the words before the first option, under an empty name, then each option with the words after it."""
    marks = list(_OPTION.finditer(words))
    ends = [mark.start() for mark in marks] + [len(words)]
    yield "", words[: ends[0]].strip()
    for mark, end in zip(marks, ends[1:], strict=True):
        yield mark[1].lower(), words[mark.end() : end].strip()


def _split_value(option: Option | None, words: str) -> tuple[str, str]:
    """Split the words after an option into its value and the rest. Text takes all words, a flag only on or off."""
    if option is not None and option.kind == "text" and not words.startswith(('"', "“")):
        return words, ""
    match = _VALUE.match(words)
    if option is not None and option.kind == "flag" and (match is None or match[0].lower() not in _FLAGS):
        return "on", words
    if match is None:
        return "", ""
    return next(group for group in match.groups() if group is not None), words[match.end() :].strip()


def _assign_unclaimed(words: str, options: Iterable[Option], raw: dict[str, str]) -> dict[str, str]:
    """Give words without a name to the positional options in order, and the rest to the option that takes the rest."""
    assigned: dict[str, str] = {}
    for option in options:
        if option.positional and words and option.name not in raw:
            assigned[option.name], _, words = words.partition(" ")
        elif option.rest and words and option.name not in raw:
            assigned[option.name], words = words, ""
    if words:
        raise BadInput("“{words}” doesn't belong to any option. Use /help to see the options.", words=words[:40])
    return assigned
