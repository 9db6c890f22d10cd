"""The values of a script, checked against what they may be."""

import re
from collections.abc import Iterable, Mapping, Sequence

from engine.core.errors import BadInput
from engine.core.params import MAX_SEED
from engine.tasks.film.scripts.raw import Raw, RawScene
from engine.tasks.film.scripts.script import (
    HEAD,
    LONGEST,
    MOST_PROMPT,
    MOST_SAID,
    MOTIONS,
    OPTIONS,
    SHAPES,
    SHORTEST,
    TRANSITIONS,
    ScriptScene,
)
from engine.tasks.speech import languages

CHOICES = {"motion": MOTIONS, "transition": TRANSITIONS, "shape": SHAPES}
MOST_WORDS = 300
"""Letters of a title, a style, or the credits."""
SEED_DIGITS = 40
"""Digits that a seed may have, zeros before it included: Python refuses to read a number of thousands."""
UNITS = {"": 1, "s": 1, "sec": 1, "seconds": 1, "m": 60, "min": 60, "minutes": 60, "h": 3600, "hours": 3600}
_LENGTH = re.compile(r"(\d+(?:[.,]\d+)?)\s*([a-z]*)", re.IGNORECASE)
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,2}):(\d{2})")


def check_scene(raw: RawScene) -> ScriptScene:
    """Raises BadInput."""
    options = _by_name(raw.options, OPTIONS)
    if "narration" in options:
        raw.hear(options["narration"].value)
    if not raw.prompt:
        raise BadInput(
            "Line {line}: this scene says what is heard and not what is seen. Write that in a line before it.",
            line=raw.line,
        )
    _check_length(raw.prompt, MOST_PROMPT, raw.line)
    _check_length(raw.narration, MOST_SAID, raw.line)
    return ScriptScene(
        prompt=raw.prompt,
        narration=raw.narration,
        seconds=_seconds(options["seconds"]) if "seconds" in options else None,
        motion=_choice(options["motion"]) if "motion" in options else None,
        transition=_choice(options["transition"]) if "transition" in options else None,
        seed=_parse_seed_value(options["seed"]) if "seed" in options else None,
        line=raw.line,
    )


def check_head(head: Mapping[str, Raw]) -> dict[str, str]:
    """Raises BadInput."""
    _by_name(head.values(), HEAD)
    for raw in head.values():
        _check_length(raw.value, MOST_WORDS, raw.line)
    if (language := head.get("language")) and not languages.is_spoken(languages.plain(language.value)):
        raise BadInput(
            "Line {line}: language is “{value}”, which no voice here speaks. Give another code, such as en, es or fr.",
            line=language.line,
            value=language.value[:40],
        )
    return {name: _choice(raw) if name in CHOICES else raw.value for name, raw in head.items()}


def _by_name(options: Iterable[Raw], known: Sequence[str]) -> dict[str, Raw]:
    found: dict[str, Raw] = {}
    for raw in options:
        if raw.name not in known:
            raise BadInput(
                "Line {line}: there is no option {option} here. The options are: {known}.",
                line=raw.line,
                option=raw.name[:40],
                known=", ".join(known),
            )
        if raw.name in found:
            raise BadInput("Line {line}: {option} is given twice. Keep one of them.", line=raw.line, option=raw.name)
        found[raw.name] = raw
    return found


def _choice(raw: Raw) -> str:
    known = CHOICES[raw.name]
    value = raw.value.strip().lower()
    if value not in known:
        raise BadInput(
            "Line {line}: {option} is “{value}”; it must be one of {known}.",
            line=raw.line,
            option=raw.name,
            value=raw.value[:40],
            known=", ".join(known),
        )
    return value


def _seconds(raw: Raw) -> float:
    seconds = _length(raw.value.strip())
    if seconds is None or not SHORTEST <= seconds <= LONGEST:
        raise BadInput(
            "Line {line}: seconds is “{value}”; it must be a number from {low} to {high}.",
            line=raw.line,
            value=raw.value[:40],
            low=f"{SHORTEST:g}",
            high=f"{LONGEST:g}",
        )
    return seconds


def _length(value: str) -> float | None:
    """Seconds of `5`, `5.5 s`, `1 min` or `0:05`."""
    if clock := _CLOCK.fullmatch(value):
        return int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + float(clock[3])
    found = _LENGTH.fullmatch(value)
    if found is None or found[2].lower() not in UNITS:
        return None
    return float(found[1].replace(",", ".")) * UNITS[found[2].lower()]


def _parse_seed_value(raw: Raw) -> int:
    value = raw.value.strip()
    if not value.isascii() or not value.isdecimal() or len(value) > SEED_DIGITS or int(value) > MAX_SEED:
        raise BadInput(
            "Line {line}: seed is “{value}”; it must be a whole number from 0 to {high}.",
            line=raw.line,
            value=raw.value[:40],
            high=MAX_SEED,
        )
    return int(value)


def _check_length(text: str, bound: int, line: int) -> None:
    if len(text) > bound:
        raise BadInput(
            "Line {line}: this text has {length} characters; at most {bound} are allowed. Shorten it.",
            line=line,
            length=len(text),
            bound=bound,
        )
