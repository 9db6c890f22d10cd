r"""Permutations and wildcards in prompts, as people know them from Dynamic Prompts and Midjourney.

    {red|blue} car           two prompts           {2$$a|b|c}      every two of them: "a, b", "a, c", "b, c"
    {1-2$$a|b}               one or two of them    {2$$ and $$a|b}  put together with " and "
    {{big|small} cat|dog}    one in another        __colour__      a word of the list colour.txt, by the seed
    \{ \| \}                 the mark itself       {0.5::a|b}      weights are read and, since all are made, not used

A list has a choice a line, which may have variants in it; lines that begin with # are notes. The library of this
syntax, dynamicprompts, has had no release since March 2024, so this is our own.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise, product
from math import prod
from pathlib import Path
from random import Random

from engine.errors import BadInput

OWN = Path(__file__).with_name("wildcards")
"""The lists that come along; the owner's of the same name go before."""
DEPTH = 8
"""How deep variants may stand in one another, and how often a list's word may itself name a list."""
_MARK = re.compile(r"\\[{|}]|[{|}]|__([A-Za-z0-9][A-Za-z0-9/_-]*?)__")
_HEAD = re.compile(r"\s*(?:(\d+)|(\d*)-(\d*))\$\$(?:([^{}|$]*)\$\$)?")
_WEIGHT = re.compile(r"\s*\d+(?:\.\d+)?::")


@dataclass(frozen=True)
class _Wild:
    name: str


@dataclass(frozen=True)
class _Choice:
    """From `low` to `high` of the options at once, put together with `join`."""

    options: "tuple[_Row, ...]"
    low: int
    high: int
    join: str

    @property
    def count(self) -> int:
        """Elementary symmetric polynomials of what the options stand for: nothing is made to count it."""
        ways = [1] + [0] * len(self.options)
        for row in self.options:
            ways = [1, *(more + row.count * fewer for fewer, more in pairwise(ways))]
        return sum(ways[self.low : self.high + 1])


@dataclass(frozen=True)
class _Row:
    parts: "tuple[str | _Wild | _Choice, ...]"

    @property
    def count(self) -> int:
        return prod(part.count for part in self.parts if isinstance(part, _Choice))


class Lists:
    """The wildcards' lists, in the owner's `folder` and among those that come along."""

    def __init__(self, folder: Path) -> None:
        self._folders = (folder, OWN)

    def names(self) -> list[str]:
        found = {
            path.relative_to(folder).with_suffix("").as_posix()
            for folder in self._folders
            for path in folder.rglob("*.txt")
        }
        return sorted(found)

    def words(self, name: str) -> Sequence[str]:
        """Raises BadInput for a list that is not there or is empty."""
        for folder in self._folders:
            path = folder / f"{name}.txt"
            if path.is_file():
                lines = (line.strip() for line in path.read_text("utf-8").splitlines())
                words = [line for line in lines if line and not line.startswith("#")]
                if words:
                    return words
                raise BadInput("The wildcards' list {name} is empty. Tell an admin.", name=name)
        known = ", ".join(self.names()) or "none"
        raise BadInput("There is no list for __{name}__. The lists are: {known}.", name=name, known=known)


def count(prompt: str, option: str = "prompt") -> int:
    """How many prompts it stands for. Raises BadInput, which names the option, for one that is not written right."""
    return _parsed(prompt, option).count


def variants(prompt: str, seed: int | None, lists: Lists) -> list[str]:
    """The prompts that it stands for, in the order of writing. Without a seed wildcards follow from the prompt.

    Raises BadInput for one that is not written right, or a list that is not there.
    """
    chance = Random(f"{prompt} {'' if seed is None else seed}")  # no secret
    return [_tidy(_filled(each, lists, chance)) for each in _texts(_parsed(prompt))]


def _filled(prompt: "Sequence[str | _Wild]", lists: Lists, chance: Random, depth: int = 0) -> str:
    """Each wildcard as a word of its list, in which one of its variants is drawn too."""
    return "".join(part if isinstance(part, str) else _word(part.name, lists, chance, depth) for part in prompt)


def _word(name: str, lists: Lists, chance: Random, depth: int) -> str:
    if depth >= DEPTH:
        raise BadInput("The wildcards' list {name} names itself. Tell an admin.", name=name)
    row = _parsed(chance.choice(lists.words(name)))
    return _filled(chance.choice(list(_texts(row))), lists, chance, depth + 1)


def _tidy(prompt: str) -> str:
    return re.sub(r"[ \t]{2,}", " ", prompt).strip()


def _texts(row: _Row) -> "Iterator[tuple[str | _Wild, ...]]":
    """Every choice made, wildcards left as they are."""
    for made in product(*(list(_made(part)) for part in row.parts)):
        yield tuple(piece for pieces in made for piece in pieces)


def _made(part: "str | _Wild | _Choice") -> "Iterator[tuple[str | _Wild, ...]]":
    if not isinstance(part, _Choice):
        yield (part,)
        return
    for size in range(part.low, part.high + 1):
        for rows in combinations(part.options, size):
            for texts in product(*(list(_texts(row)) for row in rows)):
                yield tuple(_joined(texts, part.join))


def _joined(texts: "Sequence[tuple[str | _Wild, ...]]", join: str) -> "Iterator[str | _Wild]":
    for place, text in enumerate(texts):
        if place:
            yield join
        yield from text


def _parsed(prompt: str, option: str = "prompt") -> _Row:
    return _Parser(prompt, option).whole()


@dataclass(frozen=True)
class _Parser:
    """Reads `text`; `option` is what its refusals call it."""

    text: str
    option: str

    def whole(self) -> _Row:
        row, rest = self._row(0, 0)
        if rest < len(self.text):
            raise BadInput("{option} has a }} without its {{. Write \\}} for the mark itself.", option=self.option)
        return row

    def _row(self, at: int, depth: int) -> tuple[_Row, int]:
        """What stands up to the next | or } of this level, and where that is."""
        if depth > DEPTH:
            template = "{option} has variants more than {bound} deep in one another. Write it flatter."
            raise BadInput(template, option=self.option, bound=DEPTH)
        parts = list["str | _Wild | _Choice"]()
        while (mark := _MARK.search(self.text, at)) is not None:
            parts.append(self.text[at : mark.start()])
            at = mark.end()
            if mark[0][0] == "\\":
                parts.append(mark[0][1])
            elif mark[0] == "{":
                choice, at = self._choice(at, depth + 1)
                parts.append(choice)
            elif mark[1]:
                parts.append(_Wild(mark[1]))
            elif depth or mark[0] == "}":
                return _Row(tuple(parts)), mark.start()
            else:
                parts.append(mark[0])
        if depth:
            raise BadInput("{option} has a {{ without its }}. Write \\{{ for the mark itself.", option=self.option)
        return _Row((*parts, self.text[at:])), len(self.text)

    def _choice(self, at: int, depth: int) -> tuple[_Choice, int]:
        head = _HEAD.match(self.text, at)
        at = head.end() if head else at
        options = list[_Row]()
        while True:
            weight = _WEIGHT.match(self.text, at)
            row, end = self._row(weight.end() if weight else at, depth)
            options.append(row)
            at = end + 1
            if self.text[end] == "}":
                break
        low, high, join = self._bounds(head, len(options))
        return _Choice(tuple(options), low, high, join), at

    def _bounds(self, head: re.Match[str] | None, options: int) -> tuple[int, int, str]:
        if head is None:
            return 1, 1, ""
        exact, least, most, join = head.groups()
        low = int(exact or least or 1)
        high = int(exact or most or options)
        if not 0 <= low <= high <= options:
            template = "{option} asks for {count} of {options} variants. Ask for fewer."
            raise BadInput(template, option=self.option, count=high, options=options)
        return low, high, ", " if join is None else join
