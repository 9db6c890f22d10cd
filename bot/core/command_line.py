"""Typed commands: `/imagine a red cat --shape wide --seed 7` to a command's name and its raw options."""

import re
from collections.abc import Iterable, Iterator

from engine.core.errors import BadInput
from engine.core.params import Option, TaskParams

_COMMAND = re.compile(r"/([a-z_]+)(?:@(\w+))?(?:\s+|$)", re.IGNORECASE)
_OPTION = re.compile(r"(?:^|\s)(?:--|—)([a-zA-Z_]+)(?:=|\s+|$)")
"""Phones write a long dash for two short ones."""
_VALUE = re.compile(r"\"([^\"]*)\"|“([^”]*)”|(\S+)")
_FLAGS = {"on", "off", "true", "false", "yes", "no"}


def split_command(line: str) -> tuple[str, str, str] | None:
    """`(command, addressed bot or "", the words after it)`; None where the line is no command."""
    found = _COMMAND.match(line.strip())
    return (found[1].lower(), found[2] or "", line.strip()[found.end() :]) if found else None


def parse(params: type[TaskParams], words: str) -> dict[str, str]:
    """Raw options by name, for `params.parse`. Raises BadInput for words that no option takes."""
    options = {option.name: option for option in params.options()}
    free, *named = _parts(words)
    raw: dict[str, str] = {}
    loose = [free[1]]
    for name, value in named:
        raw[name], left = _take(options.get(name), value)
        loose.append(left)
    return raw | _place(" ".join(part for part in loose if part), options.values(), raw)


def _parts(words: str) -> Iterator[tuple[str, str]]:
    """The words before the first option, then each option with the words after it."""
    marks = list(_OPTION.finditer(words))
    ends = [mark.start() for mark in marks] + [len(words)]
    yield "", words[: ends[0]].strip()
    for mark, end in zip(marks, ends[1:], strict=True):
        yield mark[1].lower(), words[mark.end() : end].strip()


def _take(option: Option | None, words: str) -> tuple[str, str]:
    """What the option takes of the words after it, and what it leaves: text takes all, a flag only on or off."""
    if option is not None and option.kind == "text" and not words.startswith(('"', "“")):
        return words, ""
    found = _VALUE.match(words)
    if option is not None and option.kind == "flag" and (found is None or found[0].lower() not in _FLAGS):
        return "on", words
    if found is None:
        return "", ""
    return next(group for group in found.groups() if group is not None), words[found.end() :].strip()


def _place(words: str, options: Iterable[Option], raw: dict[str, str]) -> dict[str, str]:
    """Words without a name go to the positional options in order, what remains to the one that takes the rest."""
    placed: dict[str, str] = {}
    for option in options:
        if option.positional and words and option.name not in raw:
            placed[option.name], _, words = words.partition(" ")
        elif option.rest and words and option.name not in raw:
            placed[option.name], words = words, ""
    if words:
        raise BadInput("No option takes “{words}”. /help shows the options.", words=words[:40])
    return placed
