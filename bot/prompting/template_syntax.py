"""Parse a prompt with variants and wildcards into a tree. `bot/prompting/templates.py` describes the syntax.

The parser looks at each character a bounded number of times, and refuses text that is too long or nested too deeply.
It does not count or expand anything.
"""

import re
from dataclasses import dataclass

from engine.core.errors import BadInput

MAX_DEPTH = 8
"""Levels of nested variants."""
MAX_CHARACTERS = 5000
"""Characters of a prompt with variants, or of a line of a wildcard list."""
MAX_COUNT_DIGITS = 4
"""Digits in the `2` of `{2$$…}`. A number with more digits exceeds the variants of any prompt."""
WILDCARD_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9/_-]*")
_MARK = re.compile(r"\\[{|}]|[{|}]|__([A-Za-z0-9][A-Za-z0-9/_-]*?)__")
_HEAD = re.compile(r"\s*(?:(\d+)|(\d*)-(\d*))\$\$(?:([^{}|$]*)\$\$)?")
_WEIGHT = re.compile(r"\s*(\d+(?:\.\d+)?)::")


@dataclass(frozen=True)
class Wildcard:
    """A placeholder for a word from the list `name`."""

    name: str


@dataclass(frozen=True)
class Choice:
    """Options of which `low` to `high` are used at once, joined by `join`. `weights` has one weight for each option."""

    options: "tuple[Row, ...]"
    weights: tuple[float, ...]
    low: int
    high: int
    join: str


@dataclass(frozen=True)
class Row:
    """A sequence of text, wildcards and choices."""

    parts: "tuple[str | Wildcard | Choice, ...]"


def parse(text: str, option: str = "prompt") -> Row:
    """Return the tree of `text`. Raises BadInput, which names `option`, for a syntax error."""
    if len(text) > MAX_CHARACTERS and "{" in text:
        raise BadInput(
            "{option} is {count:,} character long; with variants the limit is {bound:,}. Shorten it.",
            plural="{option} is {count:,} characters long; with variants the limit is {bound:,}. Shorten it.",
            option=option,
            count=len(text),
            bound=MAX_CHARACTERS,
        )
    return _Parser(text, option).parse()


def split_weight(text: str) -> tuple[float, str]:
    """Split `3::red` into 3.0 and `red`. Text without a weight has the weight 1."""
    weight = _WEIGHT.match(text)
    return (float(weight[1]), text[weight.end() :]) if weight else (1.0, text)


@dataclass(frozen=True)
class _Parser:
    """Parses `text`. Error messages call it `option`."""

    text: str
    option: str

    def parse(self) -> Row:
        """Return the tree of the whole text."""
        row, rest = self._parse_row(0, 0)
        if rest < len(self.text):
            raise BadInput(
                "{option} has a }} without a matching {{. Write \\}} for the character itself.", option=self.option
            )
        return row

    def _parse_row(self, at: int, depth: int) -> tuple[Row, int]:
        """Return the row up to the next | or } of this level, and the position of that character."""
        if depth > MAX_DEPTH:
            template = "{option} nests variants more than {bound} deep. Use fewer levels."
            raise BadInput(template, option=self.option, bound=MAX_DEPTH)
        parts = list["str | Wildcard | Choice"]()
        while (mark := _MARK.search(self.text, at)) is not None:
            parts.append(self.text[at : mark.start()])
            at = mark.end()
            if mark[0][0] == "\\":
                parts.append(mark[0][1])
            elif mark[0] == "{":
                choice, at = self._parse_choice(at, depth + 1)
                parts.append(choice)
            elif mark[1]:
                parts.append(Wildcard(mark[1]))
            elif depth or mark[0] == "}":
                return Row(tuple(parts)), mark.start()
            else:
                parts.append(mark[0])
        if depth:
            raise BadInput(
                "{option} has a {{ without a matching }}. Write \\{{ for the character itself.", option=self.option
            )
        return Row((*parts, self.text[at:])), len(self.text)

    def _parse_choice(self, at: int, depth: int) -> tuple[Choice, int]:
        """Return the choice whose { ends at `at`, and the position after its }."""
        head = _HEAD.match(self.text, at)
        at = head.end() if head else at
        options, weights = list[Row](), list[float]()
        while True:
            weight = _WEIGHT.match(self.text, at)
            weights.append(float(weight[1]) if weight else 1.0)
            row, end = self._parse_row(weight.end() if weight else at, depth)
            options.append(row)
            at = end + 1
            if self.text[end] == "}":
                break
        low, high, join = self._bounds(head, len(options))
        return Choice(tuple(options), tuple(weights), low, high, join), at

    def _bounds(self, head: re.Match[str] | None, options: int) -> tuple[int, int, str]:
        """Return the lowest and highest number of options to use at once, and the text that joins them."""
        if head is None:
            return 1, 1, ""
        exact, least, most, join = head.groups()
        low, high = self._number(exact or least or "1"), self._number(exact or most or str(options))
        if low > high and most:
            raise BadInput(
                "{option} asks for variants from {low} to {high}. Write the smaller number first: {{{high}-{low}$$…}}.",
                option=self.option,
                low=low,
                high=high,
            )
        if not low <= high <= options:
            raise BadInput(
                "{option} asks for {wanted} of {count} variant. Ask for fewer.",
                plural="{option} asks for {wanted} of {count} variants. Ask for fewer.",
                option=self.option,
                wanted=max(low, high),
                count=options,
            )
        return low, high, ", " if join is None else join

    def _number(self, digits: str) -> int:
        if len(digits) > MAX_COUNT_DIGITS:
            raise BadInput(
                "{option} asks for too many variants at once ({count}). Ask for fewer.",
                option=self.option,
                count=digits[:MAX_COUNT_DIGITS] + "…",
            )
        return int(digits)
