"""Pydantic's validation errors as messages that a user can act on."""

import difflib
from collections.abc import Sequence

from pydantic_core import ErrorDetails

from engine.core.errors import BadInput, UserMessage
from engine.core.options import Option

MAX_SHOWN_CHARACTERS = 40
"""Characters of a value or a name that a message repeats."""

_TEMPLATES = {
    "missing": "{option} is missing. Add a value for it.",
    "string_too_short": "{option} is empty. Type something.",
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
    "string_unicode": "{option} contains an incomplete character. Type it again.",
    "model_type": "{option} must be a file. Attach one.",
    "model_attributes_type": "{option} must be a file. Attach one.",
}


def to_bad_input(detail: ErrorDetails, options: Sequence[Option]) -> BadInput:
    """Return the error to raise for one of pydantic's errors in the parameters that have these `options`.

    The message names the option, the value and the bound. An unknown option is answered with the nearest known one.
    """
    name = str(detail["loc"][0]) if detail["loc"] else ""
    if not name and detail["type"] == "string_unicode":
        return BadInput("The name of an option contains an incomplete character. Type it again.")
    if detail["type"] == "string_too_long":
        return BadInput(
            "{option} has {count:,} character; the limit is {max_length:,}. Shorten it.",
            plural="{option} has {count:,} characters; the limit is {max_length:,}. Shorten it.",
            **_facts(detail, name),
        )
    if detail["type"] == "extra_forbidden":
        return _unknown_option_error(name, [option.name for option in options])
    template = _TEMPLATES.get(detail["type"])
    if template is None:
        return BadInput("{option} is not valid: {reason}.", option=name, reason=detail["msg"])
    option = next((option for option in options if option.name == name), None)
    if option is not None and option.kind == "media" and detail["type"] == "missing":
        template = "{option} is missing. Attach a file."
    facts = _facts(detail, name)
    if option is not None and option.choices:
        facts["expected"] = ", ".join(map(str, option.choices))
    return BadInput.of(UserMessage(template=template, facts=facts))


def _unknown_option_error(name: str, known: Sequence[str]) -> BadInput:
    name = _shorten(name)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
    if near:
        return BadInput("There is no option {option} here. Did you mean {near}?", option=name, near=near[0])
    listed = ", ".join(known) or "none"
    return BadInput("There is no option {option} here. The options are: {known}.", option=name, known=listed)


def _facts(detail: ErrorDetails, option: str) -> dict[str, str | int | float]:
    bounds = {name: fact for name, fact in detail.get("ctx", {}).items() if isinstance(fact, str | int | float)}
    value = detail["input"]
    try:
        text = str(value) if isinstance(value, str | int | float | None) else f"({type(value).__name__})"
    except ValueError:  # Python refuses to print an integer of more than 4,300 digits
        text = "a number of thousands of digits"
    length = len(text.strip())
    return {**bounds, "option": option, "value": _shorten(text, length), "count": length}


def _shorten(text: str, length: int | None = None) -> str:
    """Return `text`, cut with an ellipsis if its `length` in characters exceeds MAX_SHOWN_CHARACTERS."""
    return text if (length or len(text)) <= MAX_SHOWN_CHARACTERS else text[: MAX_SHOWN_CHARACTERS - 1] + "…"
