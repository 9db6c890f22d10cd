"""Options as platforms show them, read from the fields of a task's parameters."""

from dataclasses import dataclass
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic.fields import FieldInfo

from engine.core.job import Media


@dataclass(frozen=True)
class Option:
    """One field of a task's parameters, as a platform shows it."""

    name: str
    #: One of text, integer, number, flag, choice and media.
    kind: str
    description: str
    required: bool
    default: Any
    #: Allowed values of a choice.
    choices: tuple[Any, ...] = ()
    #: Inclusive bounds of a number, or of the length of a text in characters.
    minimum: float | None = None
    maximum: float | None = None
    #: See `engine.core.params.TaskParams` for these four.
    rest: bool = False
    positional: bool = False
    accepts: tuple[str, ...] = ()
    about: str = ""

    @classmethod
    def of(cls, name: str, field: FieldInfo) -> "Option":
        """Return the option that the pydantic `field` called `name` declares."""
        inner = _without_none(field.annotation)
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        low, high = _bounds(field.metadata)
        return cls(
            name=name,
            kind=_kind(inner),
            description=field.description or name,
            required=field.is_required(),
            default=None if field.is_required() else field.get_default(call_default_factory=True),
            choices=choices_of(field),
            minimum=low,
            maximum=high,
            rest=bool(extra.get("rest")),
            positional=bool(extra.get("positional")),
            accepts=_to_names(extra.get("accepts")),
            about=str(extra.get("about", "")),
        )


def choices_of(field: FieldInfo | None) -> tuple[Any, ...]:
    """Return the allowed values of a field whose type is a Literal, or () for any other type and for no field."""
    inner = _without_none(field.annotation) if field is not None else None
    return get_args(inner) if get_origin(inner) is Literal else ()


def _to_names(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()


def _without_none(annotation: Any) -> Any:
    """Return the type `T` of an annotation `T` or `T | None`."""
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
