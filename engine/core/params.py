"""A task's options, declared once: slash options, chat text, forms, HTTP bodies, help and cache key."""

import difflib
import hashlib
import json
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any, Literal, Self, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from engine.core.errors import BadInput
from engine.core.job import Media, hash_files
from engine.media.files import kinds_of_name

MAX_SEED = 2**32 - 1
"""As in other tools. PyTorch's generator on the CPU takes no more than 32 bits: greater seeds would repeat others."""
MAX_PROMPT_CHARACTERS = 10_000
"""Far above what a chat sends: Discord ends an option at 6000 characters and a form's field at 4000, Telegram a message
at 4096. SDXL reads it 75 tokens at a time.
"""
MAX_DERIVED_SEED = 2**31 - 1
"""Of a seed that follows from the other options; those of earlier versions stay as they were."""
SHOWN = 40
"""Characters of a value that a refusal repeats."""


class _Pending:
    """Stands for a file that is not here yet, and fits no option."""


class TaskParams(BaseModel):
    """Base of every task's `Params`. A field's `json_schema_extra` says more of it.

    `rest`: free text, takes the words that no other option claimed; `positional`: may be given without its name;
    `accepts`: which files a `Media` field takes, of `engine.media.files.KINDS`; all but texts where it is left out;
    `about`: the `Media` field of which this one says something, and in answer to which it is sent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, str_strip_whitespace=True)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """The typed parameters; choices in capitals are taken too. Raises BadInput for the first that does not fit."""
        try:
            return cls.model_validate({name: _spelled(value, _choices(cls, name)) for name, value in raw.items()})
        except ValidationError as error:
            raise _refusal(error.errors()[0], cls) from None

    @classmethod
    def check_words(cls, raw: Mapping[str, Any], files: Collection[str], *, complete: bool) -> None:
        """Check the options that need no file, before the `files` of these options are here.

        Raises BadInput for the first that does not fit, and for one that is missing where `raw` is `complete`. What
        options must be together is left to `parse`.
        """
        try:
            # These options fail, so that pydantic does not go on to check the model as a whole.
            cls.model_validate({**raw, **dict.fromkeys(files, _Pending())})
        except ValidationError as error:
            for detail in error.errors():
                if detail["loc"] and detail["loc"][0] not in files and (complete or detail["type"] != "missing"):
                    raise _refusal(detail, cls) from None

    @classmethod
    def options(cls) -> tuple["Option", ...]:
        return tuple(Option.of(name, field) for name, field in cls.model_fields.items())

    def is_set(self, option: str) -> bool:
        """Whether they ask for what the option, or the ability of that name, does."""
        return bool(getattr(self, option) != type(self).model_fields[option].default)

    def chosen_names(self, option: str) -> tuple[str, ...]:
        """The names that the option is given, where it takes names that the studio's owner made known."""
        value = getattr(self, option)
        return (value,) if value else ()

    def with_seed(self) -> Self:
        """These parameters with their seed settled: -1 becomes a new one, a missing one follows from the others."""
        seed = getattr(self, "seed", 0)
        if seed is None:
            return self.model_copy(update={"seed": self._derive_seed()})
        return self.model_copy(update={"seed": secrets.randbelow(MAX_SEED + 1)}) if seed == -1 else self

    def _derive_seed(self) -> int:
        others = json.dumps(hash_files(self.model_dump(mode="json", exclude={"seed"})), sort_keys=True)
        return int.from_bytes(hashlib.sha256(others.encode()).digest()[:4], "big") & MAX_DERIVED_SEED


@dataclass(frozen=True)
class Option:
    """One field as a platform shows it. `kind` is text, integer, number, flag, choice or media."""

    name: str
    kind: str
    description: str
    required: bool
    default: Any
    choices: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    rest: bool = False
    positional: bool = False
    accepts: tuple[str, ...] = ()
    about: str = ""

    @classmethod
    def of(cls, name: str, field: FieldInfo) -> "Option":
        inner = _inner(field.annotation)
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        low, high = _bounds(field.metadata)
        return cls(
            name=name,
            kind=_kind(inner),
            description=field.description or name,
            required=field.is_required(),
            default=None if field.is_required() else field.get_default(call_default_factory=True),
            choices=get_args(inner) if get_origin(inner) is Literal else (),
            minimum=low,
            maximum=high,
            rest=bool(extra.get("rest")),
            positional=bool(extra.get("positional")),
            accepts=_names(extra.get("accepts")),
            about=str(extra.get("about", "")),
        )


def _choices(params: type[TaskParams], name: str) -> tuple[Any, ...]:
    """Return the values that the option may have, where those are listed."""
    field = params.model_fields.get(name)
    inner = _inner(field.annotation) if field else None
    return get_args(inner) if get_origin(inner) is Literal else ()


def _spelled(value: Any, choices: tuple[Any, ...]) -> Any:
    """Return the choice that `value` is in other letters, such as `wide` for `Wide`, or else the value itself."""
    if value in choices or not isinstance(value, str):
        return value
    plain = value.strip().casefold()
    return next((each for each in choices if isinstance(each, str) and each.casefold() == plain), value)


def assign_files(params: type[TaskParams], names: Sequence[str]) -> dict[str, int]:
    """Options for files that came without any: by option the place in `names` of the file for it.

    A file goes to the first free option that accepts its kind, or else to the first free one, which then refuses it.
    Of several files the first was sent in answer to the others.
    """
    free = [option for option in params.options() if option.kind == "media"]
    if len(names) > 1:
        free.sort(key=lambda option: not option.about)
    placed: dict[str, int] = {}
    for place, name in enumerate(names[: len(free)]):
        kinds = kinds_of_name(name)
        option = next((each for each in free if not kinds or not each.accepts or kinds & {*each.accepts}), free[0])
        free.remove(option)
        placed[option.name] = place
    return placed


def media_of(params: TaskParams) -> Iterator[tuple[str, Media]]:
    """The files among the parameters, by option name."""
    for name in type(params).model_fields:
        value = getattr(params, name)
        if isinstance(value, Media):
            yield name, value


def _names(given: object) -> tuple[str, ...]:
    return tuple(map(str, given)) if isinstance(given, list | tuple) else ()


def _inner(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, UnionType):
        return next(arm for arm in get_args(annotation) if arm is not type(None))
    return annotation


def _kind(inner: Any) -> str:
    if get_origin(inner) is Literal:
        return "choice"
    return {bool: "flag", int: "integer", float: "number", Media: "media"}.get(inner, "text")


def _bounds(metadata: list[Any]) -> tuple[float | None, float | None]:
    low = next((_number(m) for m in metadata if isinstance(m, Ge | MinLen)), None)
    high = next((_number(m) for m in metadata if isinstance(m, Le | MaxLen)), None)
    return low, high


def _number(bound: Ge | Le | MinLen | MaxLen) -> float:
    match bound:
        case Ge(ge=value) | Le(le=value) | MinLen(min_length=value) | MaxLen(max_length=value):
            return value  # type: ignore[return-value]  # our bounds are numbers; the protocol type is wider


_REFUSALS = {
    "missing": "{option} is missing. Give it a value.",
    "string_too_short": "{option} is empty. Write at least {min_length} character.",
    "string_too_long": "{option} has {length} characters; at most {max_length} are allowed. Shorten it.",
    "greater_than_equal": "{option} is {value}; it must be at least {ge}.",
    "less_than_equal": "{option} is {value}; it must be at most {le}.",
    "literal_error": "{option} is “{value}”; it must be one of {expected}.",
    "int_parsing": "{option} is “{value}”; it must be a whole number.",
    "int_from_float": "{option} is “{value}”; it must be a whole number.",
    "int_type": "{option} is “{value}”; it must be a whole number.",
    "float_parsing": "{option} is “{value}”; it must be a number.",
    "float_type": "{option} is “{value}”; it must be a number.",
    "finite_number": "{option} is “{value}”; it must be a number.",
    "bool_parsing": "{option} is “{value}”; it must be on or off.",
    "bool_type": "{option} is “{value}”; it must be on or off.",
    "string_type": "{option} must be text.",
    "string_unicode": "{option} has half a character in it. Type it again.",
    "model_type": "{option} must be a file. Attach one.",
    "model_attributes_type": "{option} must be a file. Attach one.",
}


def _refusal(detail: ErrorDetails, params: type[TaskParams]) -> BadInput:
    option = str(detail["loc"][0]) if detail["loc"] else ""
    if not option and detail["type"] == "string_unicode":
        return BadInput("The name of an option has half a character in it. Type it again.")
    if detail["type"] == "extra_forbidden":
        return _unknown_option_error(option, list(params.model_fields))
    template = _REFUSALS.get(detail["type"])
    if template is None:
        return BadInput("{option} does not fit: {reason}.", option=option, reason=detail["msg"])
    asked = next((each for each in params.options() if each.name == option), None)
    if asked is not None and asked.kind == "media" and detail["type"] == "missing":
        template = "{option} is missing. Attach a file."
    facts = _facts(detail, option)
    if asked is not None and asked.choices:
        facts["expected"] = ", ".join(map(str, asked.choices))
    return BadInput(template, **facts)


def _unknown_option_error(option: str, names: Sequence[str]) -> BadInput:
    option = option if len(option) <= SHOWN else option[: SHOWN - 1] + "…"
    near = difflib.get_close_matches(option, names, n=1, cutoff=0.75)
    if near:
        return BadInput("There is no option {option} here. Did you mean {near}?", option=option, near=near[0])
    known = ", ".join(names) or "none"
    return BadInput("There is no option {option} here. The options are: {known}.", option=option, known=known)


def _facts(detail: ErrorDetails, option: str) -> dict[str, str | int | float]:
    bounds = {name: fact for name, fact in detail.get("ctx", {}).items() if isinstance(fact, str | int | float)}
    given = detail["input"]
    try:
        shown = str(given) if isinstance(given, str | int | float | None) else f"({type(given).__name__})"
    except ValueError:  # a number of more than 4,300 digits
        shown = "a number of thousands of digits"
    length = len(shown.strip())
    return {
        **bounds,
        "option": option,
        "value": shown if length <= SHOWN else shown[: SHOWN - 1] + "…",
        "length": length,
    }
