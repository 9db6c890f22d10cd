r"""Permutations and wildcards in prompts, as people know them from Dynamic Prompts and Midjourney.

    {red|blue} car           two prompts           {2$$a|b|c}      every two of them: "a, b", "a, c", "b, c"
    {1-2$$a|b}               one or two of them    {2$$ and $$a|b}  put together with " and "
    {{big|small} cat|dog}    one in another        __colour__      a word of the list colour.txt, by the seed
    \{ \| \}                 the mark itself       {0.5::a|b}      weights are read and, since all are made, not used

A line of a list may have variants in it, of which one is drawn by their weights. The library of this syntax,
dynamicprompts, has had no release since March 2024, so this is our own.

Whoever expands a prompt counts it first: counting takes a time that is linear in the prompt's length and makes nothing.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import combinations, product
from math import comb, inf, prod
from random import Random

from bot.prompting.template_syntax import MAX_DEPTH, Choice, Row, Wildcard, parse
from bot.prompting.wildcard_lists import Lists
from engine.core.errors import BadInput

COUNTED = 50
"""Prompts are counted up to here; a prompt that stands for more counts as one more."""
MAX_LENGTH = 20_000
"""Characters of a prompt that variants and wildcards are put into."""
MAX_DRAWS = 1000
"""Words that one request may draw from lists, those in other words included."""
MAX_DRAWN = 200_000
"""Characters of those words."""


def count(prompt: str, option: str = "prompt") -> int:
    """Return how many prompts it stands for, or COUNTED + 1 where those are more than COUNTED.

    Raises BadInput, which names the option, for a prompt that is not written right, or would be too long.
    """
    row = parse(prompt, option)
    if (longest := _longest(row)) > max(MAX_LENGTH, len(prompt)):
        raise BadInput(
            "{option} stands for a text of {length} characters; at most {bound} are allowed. Leave some variants out.",
            option=option,
            length=longest,
            bound=MAX_LENGTH,
        )
    return min(_count(row), COUNTED + 1)


def variants(prompt: str, seed: int | None, lists: Lists) -> list[str]:
    """Return the prompts that it stands for, in the order of writing. Wildcards follow from the prompt and the seed.

    Raises BadInput for a prompt that stands for more than COUNTED, for one that is not written right, and for a list
    that is not there or cannot be used.
    """
    if count(prompt) > COUNTED:
        raise BadInput("{option} stands for more than {most} prompts.", option="prompt", most=COUNTED)
    drawing = _Drawing(lists, Random(f"{prompt} {'' if seed is None else seed}"))  # no secret
    return [_tidy(drawing.fill(text)) for text in _texts(parse(prompt))]


class _Drawing:
    """Draws words for wildcards, a bounded number of them."""

    def __init__(self, lists: Lists, chance: Random) -> None:
        self._lists, self._chance = lists, chance
        self._draws = self._drawn = 0

    def fill(self, parts: "Sequence[str | Wildcard]", depth: int = 0) -> str:
        return "".join(part if isinstance(part, str) else self._word(part.name, depth) for part in parts)

    def _word(self, name: str, depth: int) -> str:
        """Return a line of the list with one of its variants, and with its own wildcards filled."""
        if depth >= MAX_DEPTH:
            raise BadInput("The wildcards' list {name} names itself. Tell an admin.", name=name)
        line = self._lists.draw(name, self._chance)
        self._draws, self._drawn = self._draws + 1, self._drawn + len(line)
        if self._draws > MAX_DRAWS or self._drawn > MAX_DRAWN:
            raise BadInput(
                "The prompt's wildcards stand for more than {bound} words or {length} characters. Leave some out.",
                bound=MAX_DRAWS,
                length=MAX_DRAWN,
            )
        row = parse(line, f"{name}.txt")
        if _longest(row) > MAX_LENGTH:
            template = "A line of the wildcards' list {name} stands for more than {bound} characters. Tell an admin."
            raise BadInput(template, name=name, bound=MAX_LENGTH)
        return self.fill(tuple(self._pieces(row)), depth + 1)

    def _pieces(self, row: Row) -> "Iterator[str | Wildcard]":
        """Yield the row with one variant of each choice."""
        for part in row.parts:
            if isinstance(part, Choice):
                for place, option in enumerate(self._options(part)):
                    yield from (part.join,) if place else ()
                    yield from self._pieces(option)
            else:
                yield part

    def _options(self, choice: Choice) -> list[Row]:
        """Return as many options as the choice asks for, by weight and without repetition, in the order of writing.

        The options with the largest keys `random ** (1 / weight)` are such a sample: Efraimidis and Spirakis, "Weighted
        random sampling with a reservoir", 2006.
        """
        size = self._chance.randint(choice.low, choice.high)
        keys = [self._chance.random() ** (1 / weight) if weight else -inf for weight in choice.weights]
        places = sorted(range(len(keys)), key=keys.__getitem__, reverse=True)[:size]
        return [choice.options[place] for place in sorted(places)]


def _tidy(prompt: str) -> str:
    return re.sub(r"[ \t]{2,}", " ", prompt).strip()


def _count(row: Row) -> int:
    """Return how many texts the row stands for; any number over COUNTED where those are more."""
    total = 1
    for part in row.parts:
        if isinstance(part, Choice):
            total = min(total * _count_choice(part), COUNTED + 1)
    return total


def _count_choice(choice: Choice) -> int:
    """Count the texts of a choice as elementary symmetric polynomials of the options' counts.

    Each option stands for one text at least, so that k of n options stand for comb(n, k) or more. Where that is over
    COUNTED nothing is counted, which leaves so few cases that the time is linear in the number of options.
    """
    size = len(choice.options)
    some = range(max(choice.low, 1), min(choice.high, size - 1) + 1)
    if (some and size > COUNTED) or any(comb(size, taken) > COUNTED for taken in some):
        return COUNTED + 1
    counts = [_count(option) for option in choice.options]
    if choice.low == size:
        return min(prod(counts), COUNTED + 1)
    ways = [1] + [0] * choice.high
    for each in counts:
        for taken in range(choice.high, 0, -1):
            ways[taken] = min(ways[taken] + each * ways[taken - 1], COUNTED + 1)
    return min(sum(ways[choice.low :]), COUNTED + 1)


def _longest(row: Row) -> int:
    """Return the characters of the longest text that the row stands for, wildcards left out."""
    return sum(
        len(part) if isinstance(part, str) else _longest_choice(part)
        for part in row.parts
        if not isinstance(part, Wildcard)
    )


def _longest_choice(choice: Choice) -> int:
    lengths = sorted(map(_longest, choice.options), reverse=True)
    return sum(lengths[: choice.high]) + len(choice.join) * max(choice.high - 1, 0)


def _texts(row: Row) -> "Iterator[tuple[str | Wildcard, ...]]":
    """Yield every text that the row stands for, wildcards left as they are."""
    for chosen in product(*(list(_choices(part)) for part in row.parts)):
        yield tuple(piece for pieces in chosen for piece in pieces)


def _choices(part: "str | Wildcard | Choice") -> "Iterator[tuple[str | Wildcard, ...]]":
    if not isinstance(part, Choice):
        yield (part,)
        return
    for size in range(part.low, part.high + 1):
        for rows in combinations(part.options, size):
            for texts in product(*(list(_texts(row)) for row in rows)):
                yield tuple(_join(texts, part.join))


def _join(texts: "Sequence[tuple[str | Wildcard, ...]]", join: str) -> "Iterator[str | Wildcard]":
    for place, text in enumerate(texts):
        if place:
            yield join
        yield from text
