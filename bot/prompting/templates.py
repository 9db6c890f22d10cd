r"""Expand variants and wildcards in prompts, in the syntax of Dynamic Prompts and Midjourney.

    {red|blue} car           two prompts           {2$$a|b|c}      every pair: "a, b", "a, c", "b, c"
    {1-2$$a|b}               one or two of them    {2$$ and $$a|b} joined by " and "
    {{big|small} cat|dog}    nested                __colour__      a word from colour.txt, chosen by the seed
    \{ \| \}                 literal characters    {0.5::a|b}      weights are accepted but unused: all are made

A line of a wildcard list may contain variants; one of them is drawn, by weight. We wrote our own parser because the
library for this syntax, dynamicprompts, has had no release since March 2024.

Callers count a prompt before they expand it: counting takes time linear in the prompt's length and builds nothing.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import combinations, product
from math import comb, inf, prod
from random import Random

from bot.prompting.template_syntax import MAX_DEPTH, Choice, Row, Wildcard, parse
from bot.prompting.wildcard_lists import WildcardLists
from engine.core.errors import BadInput

MAX_COUNTED_PROMPTS = 50
"""Counting stops here: a prompt that expands to more counts as MAX_COUNTED_PROMPTS + 1."""
MAX_EXPANDED_CHARACTERS = 20_000
"""Characters of one expanded prompt."""
MAX_DRAWS = 1000
"""Lines that one request may draw from wildcard lists, including lines drawn for wildcards in other lines."""
MAX_DRAWN_CHARACTERS = 200_000
"""Characters of all those lines together."""


def count(prompt: str, option: str = "prompt") -> int:
    """Return the number of prompts that `prompt` expands to, but at most MAX_COUNTED_PROMPTS + 1.

    Raises BadInput, which names `option`, for a syntax error or an expansion that would be too long.
    """
    row = parse(prompt, option)
    if (longest := _longest_expansion(row)) > max(MAX_EXPANDED_CHARACTERS, len(prompt)):
        raise BadInput(
            "{option} expands to {count:,} character; the limit is {bound:,}. Remove some variants.",
            plural="{option} expands to {count:,} characters; the limit is {bound:,}. Remove some variants.",
            option=option,
            count=longest,
            bound=MAX_EXPANDED_CHARACTERS,
        )
    return min(_count(row), MAX_COUNTED_PROMPTS + 1)


def expand(prompt: str, seed: int | None, lists: WildcardLists) -> list[str]:
    """Return the expansions of `prompt` in the order of the text. The prompt and the seed determine the wildcards.

    Raises BadInput for more than MAX_COUNTED_PROMPTS prompts, for a syntax error, and for a wildcard list that does not
    exist or cannot be used.
    """
    if count(prompt) > MAX_COUNTED_PROMPTS:
        raise BadInput(
            "{option} expands to more than {count:,} prompt. Remove some variants.",
            plural="{option} expands to more than {count:,} prompts. Remove some variants.",
            option="prompt",
            count=MAX_COUNTED_PROMPTS,
        )
    filler = _WildcardFiller(lists, Random(f"{prompt} {'' if seed is None else seed}"))  # not used for security
    return [_collapse_spaces(filler.fill(text)) for text in _expand_row(parse(prompt))]


class _WildcardFiller:
    """Replaces wildcards with lines drawn from their lists, within MAX_DRAWS and MAX_DRAWN_CHARACTERS."""

    def __init__(self, lists: WildcardLists, random: Random) -> None:
        self._lists, self._random = lists, random
        self._draws = self._drawn_characters = 0

    def fill(self, parts: "Sequence[str | Wildcard]", depth: int = 0) -> str:
        """Return the parts as text, with each wildcard replaced. Raises BadInput for a list that cannot be used."""
        return "".join(part if isinstance(part, str) else self._draw_line(part.name, depth) for part in parts)

    def _draw_line(self, name: str, depth: int) -> str:
        """Return a line of the list, with one variant of each choice and its own wildcards replaced."""
        if depth >= MAX_DEPTH:
            raise BadInput("The wildcard list {name} refers to itself. Tell an admin.", name=name)
        line = self._lists.draw(name, self._random)
        self._draws, self._drawn_characters = self._draws + 1, self._drawn_characters + len(line)
        if self._draws > MAX_DRAWS or self._drawn_characters > MAX_DRAWN_CHARACTERS:
            raise BadInput(
                "The prompt's wildcards expand to too much text. The limit for wildcards is {bound:,}, and for "
                "characters {length:,}. Remove some.",
                bound=MAX_DRAWS,
                length=MAX_DRAWN_CHARACTERS,
            )
        row = parse(line, f"{name}.txt")
        if _longest_expansion(row) > MAX_EXPANDED_CHARACTERS:
            raise BadInput(
                "A line in the wildcard list {name} expands to more than {count:,} character. Tell an admin.",
                plural="A line in the wildcard list {name} expands to more than {count:,} characters. Tell an admin.",
                name=name,
                count=MAX_EXPANDED_CHARACTERS,
            )
        return self.fill(tuple(self._choose_variants(row)), depth + 1)

    def _choose_variants(self, row: Row) -> "Iterator[str | Wildcard]":
        """Yield the parts of the row, with one variant of each choice."""
        for part in row.parts:
            if isinstance(part, Choice):
                for place, option in enumerate(self._sample_options(part)):
                    yield from (part.join,) if place else ()
                    yield from self._choose_variants(option)
            else:
                yield part

    def _sample_options(self, choice: Choice) -> list[Row]:
        """Return a weighted sample of the options without repetition, in the order of the text.

        The options with the largest keys `random ** (1 / weight)` form such a sample: Efraimidis and Spirakis,
        "Weighted random sampling with a reservoir", 2006.
        """
        size = self._random.randint(choice.low, choice.high)
        keys = [self._random.random() ** (1 / weight) if weight else -inf for weight in choice.weights]
        places = sorted(range(len(keys)), key=keys.__getitem__, reverse=True)[:size]
        return [choice.options[place] for place in sorted(places)]


def _collapse_spaces(prompt: str) -> str:
    return re.sub(r"[ \t]{2,}", " ", prompt).strip()


def _count(row: Row) -> int:
    """Return how many texts the row expands to, or some number over MAX_COUNTED_PROMPTS if there are more."""
    total = 1
    for part in row.parts:
        if isinstance(part, Choice):
            total = min(total * _count_choice(part), MAX_COUNTED_PROMPTS + 1)
    return total


def _count_choice(choice: Choice) -> int:
    """Count the texts of a choice as elementary symmetric polynomials of the options' counts.

    Each option expands to at least one text, so k of n options expand to at least comb(n, k) texts. If that exceeds
    MAX_COUNTED_PROMPTS we stop there. The few cases that remain take time linear in the number of options.
    """
    size = len(choice.options)
    partial = range(max(choice.low, 1), min(choice.high, size - 1) + 1)
    if (partial and size > MAX_COUNTED_PROMPTS) or any(comb(size, chosen) > MAX_COUNTED_PROMPTS for chosen in partial):
        return MAX_COUNTED_PROMPTS + 1
    counts = [_count(option) for option in choice.options]
    if choice.low == size:
        return min(prod(counts), MAX_COUNTED_PROMPTS + 1)
    ways = [1] + [0] * choice.high
    for texts in counts:
        for chosen in range(choice.high, 0, -1):
            ways[chosen] = min(ways[chosen] + texts * ways[chosen - 1], MAX_COUNTED_PROMPTS + 1)
    return min(sum(ways[choice.low :]), MAX_COUNTED_PROMPTS + 1)


def _longest_expansion(row: Row) -> int:
    """Return the length in characters of the row's longest text, without its wildcards."""
    return sum(
        len(part) if isinstance(part, str) else _longest_choice_expansion(part)
        for part in row.parts
        if not isinstance(part, Wildcard)
    )


def _longest_choice_expansion(choice: Choice) -> int:
    lengths = sorted(map(_longest_expansion, choice.options), reverse=True)
    return sum(lengths[: choice.high]) + len(choice.join) * max(choice.high - 1, 0)


def _expand_row(row: Row) -> "Iterator[tuple[str | Wildcard, ...]]":
    """Yield every text that the row expands to, with wildcards not yet replaced."""
    for chosen in product(*(list(_expand_part(part)) for part in row.parts)):
        yield tuple(piece for pieces in chosen for piece in pieces)


def _expand_part(part: "str | Wildcard | Choice") -> "Iterator[tuple[str | Wildcard, ...]]":
    if not isinstance(part, Choice):
        yield (part,)
        return
    for size in range(part.low, part.high + 1):
        for rows in combinations(part.options, size):
            for texts in product(*(list(_expand_row(row)) for row in rows)):
                yield tuple(_join(texts, part.join))


def _join(texts: "Sequence[tuple[str | Wildcard, ...]]", join: str) -> "Iterator[str | Wildcard]":
    for place, text in enumerate(texts):
        if place:
            yield join
        yield from text
