"""Check the values of a script."""

import re
from collections.abc import Iterable, Mapping, Sequence

from engine.core.errors import BadInput
from engine.core.params import MAX_SEED
from engine.tasks.film.scripts.raw import Raw, RawScene
from engine.tasks.film.scripts.script import (
    HEAD_OPTIONS,
    MAX_NARRATION_CHARACTERS,
    MAX_PROMPT_CHARACTERS,
    MAX_SCENE_SECONDS,
    MIN_SCENE_SECONDS,
    MOTIONS,
    SCENE_OPTIONS,
    SHAPES,
    TRANSITIONS,
    ScriptScene,
)
from engine.tasks.speech import languages

CHOICES = {"motion": MOTIONS, "transition": TRANSITIONS, "shape": SHAPES}
MAX_HEAD_CHARACTERS = 300
"""Maximum length of the title, the style or the credits."""
MAX_SEED_DIGITS = 40
"""Maximum digits of a seed, with leading zeros. Python refuses to parse numbers with thousands of digits."""
UNITS = {"": 1, "s": 1, "sec": 1, "seconds": 1, "m": 60, "min": 60, "minutes": 60, "h": 3600, "hours": 3600}
"""Seconds in each unit of time."""
_LENGTH = re.compile(r"(\d+(?:[.,]\d+)?)\s*([a-z]*)", re.IGNORECASE)
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,2}):(\d{2})")


def check_scene(raw: RawScene) -> ScriptScene:
    """Return the scene with its values parsed. Raises BadInput."""
    options = _index_options(raw.options, SCENE_OPTIONS)
    if "narration" in options:
        raw.add_narration(options["narration"].value)
    if not raw.prompt:
        raise BadInput(
            "Line {line}: this scene has narration but no picture. Describe what it shows in a line before the "
            "narration.",
            line=raw.line,
        )
    _check_length(raw.prompt, MAX_PROMPT_CHARACTERS, raw.line)
    _check_length(raw.narration, MAX_NARRATION_CHARACTERS, raw.line)
    return ScriptScene(
        prompt=raw.prompt,
        narration=raw.narration,
        seconds=_parse_seconds_value(options["seconds"]) if "seconds" in options else None,
        motion=_parse_choice(options["motion"]) if "motion" in options else None,
        transition=_parse_choice(options["transition"]) if "transition" in options else None,
        seed=_parse_seed_value(options["seed"]) if "seed" in options else None,
        line=raw.line,
    )


def check_head(head: Mapping[str, Raw]) -> dict[str, str]:
    """Return the options that apply to all scenes, as text. Raises BadInput."""
    _index_options(head.values(), HEAD_OPTIONS)
    for raw in head.values():
        _check_length(raw.value, MAX_HEAD_CHARACTERS, raw.line)
    if (language := head.get("language")) and not languages.is_spoken(languages.normalize_code(language.value)):
        raise BadInput(
            "Line {line}: no voice speaks the language “{value}”. Use a code such as en, es or fr.",
            line=language.line,
            value=language.value[:40],
        )
    return {name: _parse_choice(raw) if name in CHOICES else raw.value for name, raw in head.items()}


def _index_options(options: Iterable[Raw], known: Sequence[str]) -> dict[str, Raw]:
    by_name: dict[str, Raw] = {}
    for raw in options:
        if raw.name not in known:
            raise BadInput(
                "Line {line}: there is no option “{option}”. The options are {known}.",
                line=raw.line,
                option=raw.name[:40],
                known=", ".join(known),
            )
        if raw.name in by_name:
            raise BadInput("Line {line}: {option} appears twice. Remove one of them.", line=raw.line, option=raw.name)
        by_name[raw.name] = raw
    return by_name


def _parse_choice(raw: Raw) -> str:
    known = CHOICES[raw.name]
    value = raw.value.strip().lower()
    if value not in known:
        raise BadInput(
            "Line {line}: {option} can't be “{value}”. Use one of {known}.",
            line=raw.line,
            option=raw.name,
            value=raw.value[:40],
            known=", ".join(known),
        )
    return value


def _parse_seconds_value(raw: Raw) -> float:
    seconds = _parse_seconds(raw.value.strip())
    if seconds is None or not MIN_SCENE_SECONDS <= seconds <= MAX_SCENE_SECONDS:
        raise BadInput(
            "Line {line}: seconds can't be “{value}”. Use a number from {low} to {high}.",
            line=raw.line,
            value=raw.value[:40],
            low=f"{MIN_SCENE_SECONDS:g}",
            high=f"{MAX_SCENE_SECONDS:g}",
        )
    return seconds


def _parse_seconds(value: str) -> float | None:
    """Return the seconds of `5`, `5.5 s`, `1 min` or `0:05`, or None."""
    if clock := _CLOCK.fullmatch(value):
        return int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + float(clock[3])
    match = _LENGTH.fullmatch(value)
    if match is None or match[2].lower() not in UNITS:
        return None
    return float(match[1].replace(",", ".")) * UNITS[match[2].lower()]


def _parse_seed_value(raw: Raw) -> int:
    value = raw.value.strip()
    if not value.isascii() or not value.isdecimal() or len(value) > MAX_SEED_DIGITS or int(value) > MAX_SEED:
        raise BadInput(
            "Line {line}: seed can't be “{value}”. Use a whole number from 0 to {high}.",
            line=raw.line,
            value=raw.value[:40],
            high=MAX_SEED,
        )
    return int(value)


def _check_length(text: str, bound: int, line: int) -> None:
    if len(text) > bound:
        raise BadInput(
            "Line {line}: this text has {count:,} character; the limit is {bound:,}. Shorten it.",
            plural="Line {line}: this text has {count:,} characters; the limit is {bound:,}. Shorten it.",
            line=line,
            count=len(text),
            bound=bound,
        )
