"""Parse typed commands: `/imagine a red cat --shape wide --seed 7` into a command's name and its raw options."""

import re
from collections.abc import Collection, Iterable, Iterator

from engine.core.errors import BadInput
from engine.core.options import Option
from engine.core.params import TaskParams

_COMMAND = re.compile(r"/([a-z_]+)(?:@(\w+))?(?:\s+|$)", re.IGNORECASE)
_OPTION = re.compile(r"(?:^|\s)(--|—)([a-zA-Z_]+)(?:=|\s+|$)")
"""An option's name. Phones turn two hyphens into a long dash, which people also write before any other word."""
_VALUE = re.compile(r"\"([^\"]*)\"|“([^”]*)”|(\S+)")
_FLAGS = {"on", "off", "true", "false", "yes", "no"}

OTHER_NAMES = {"ar": "shape", "aspect": "shape", "no": "negative", "tile": "tiling", "repeat": "count", "r": "count"}
"""Maps names of Midjourney's parameters to options (https://docs.midjourney.com, Parameter List)."""
SHAPE_NAMES = {"1:1": "square"}
"""Maps aspect ratios to the shapes that have a name instead."""
VALUELESS_FLAGS = frozenset({"draft", "fast", "hd", "public", "raw", "relax", "stealth", "turbo"})
"""Midjourney's parameters without a value and without an equivalent here."""
IGNORED_FLAGS = VALUELESS_FLAGS | {
    *("c", "chaos", "exp", "niji", "p", "profile", "q", "quality", "s", "stop", "stylize", "v", "version", "w", "weird")
}
"""Midjourney's parameters without an equivalent here. They change how a picture looks, not what it shows."""


def split_command(line: str) -> tuple[str, str, str] | None:
    """Return `(command, addressed bot or "", the words after it)`, or None if the line is not a command."""
    match = _COMMAND.match(line.strip())
    return (match[1].lower(), match[2] or "", line.strip()[match.end() :]) if match else None


def parse(params: type[TaskParams], words: str) -> dict[str, str]:
    """Return the raw options by name, for `params.parse`. Raises BadInput for words that no option takes."""
    unclaimed, raw = split_options(params, words)
    return raw | _assign_unclaimed(unclaimed, params.options(), raw)


def split_options(params: type[TaskParams], words: str) -> tuple[str, dict[str, str]]:
    """Return the words that belong to no named option, and the named options. Names of other tools are understood."""
    options = {option.name: option for option in params.options()}
    unnamed, *named = _split_at_options(words, options)
    raw: dict[str, str] = {}
    unclaimed = [unnamed[1]]
    for written, words_after in named:
        name = _own_name(written, options)
        value, rest = _split_value(options.get(name), words_after, has_value=written not in VALUELESS_FLAGS)
        raw[name] = SHAPE_NAMES.get(value, value) if name == "shape" else value
        unclaimed.append(rest)
    return " ".join(part for part in unclaimed if part), raw


def _own_name(written: str, options: Collection[str]) -> str:
    """Return Atelier's name of an option that other tools name otherwise."""
    own = OTHER_NAMES.get(written, written)
    return own if written not in options and own in options else written


def _split_at_options(words: str, options: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the words before the first option, under an empty name, then each option with the words after it."""
    marks = [mark for mark in _OPTION.finditer(words) if mark[1] == "--" or _is_known(mark[2].lower(), options)]
    ends = [mark.start() for mark in marks] + [len(words)]
    yield "", words[: ends[0]].strip()
    for mark, end in zip(marks, ends[1:], strict=True):
        yield mark[2].lower(), words[mark.end() : end].strip()


def _is_known(name: str, options: Collection[str]) -> bool:
    return _own_name(name, options) in options or name in IGNORED_FLAGS


def _split_value(option: Option | None, words: str, *, has_value: bool = True) -> tuple[str, str]:
    """Split the words after an option into its value and the rest. Text takes all words, a flag only on or off."""
    if option is None and not has_value:
        return "on", words
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
