"""A task's parameters, declared once: slash options, typed options, forms, HTTP bodies, help and the cache key."""

import hashlib
import json
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from engine.core.job import Media, hash_files
from engine.core.options import Option, choices_of
from engine.core.validation_errors import to_bad_input
from engine.media.files import kinds_of_name

MAX_SEED = 2**32 - 1
"""Greatest seed, as in other tools. PyTorch's CPU generator uses only 32 bits, so greater seeds would repeat others."""
MAX_PROMPT_CHARACTERS = 10_000
"""Characters of a prompt, far above what a chat can send: Discord limits an option to 6000 characters and a form field
to 4000, Telegram a message to 4096. SDXL reads a prompt in chunks of 75 tokens.
"""
MAX_DERIVED_SEED = 2**31 - 1
"""Greatest seed that is derived from the other options. Earlier versions used 31 bits, and their seeds must not change.
"""


class _Pending:
    """Stands in for a file that has not been downloaded yet. No option accepts it."""


class TaskParams(BaseModel):
    """Base of every task's parameters.

    A field's `json_schema_extra` may set these keys:

    - `rest`: this text takes all words that no other option has claimed.
    - `positional`: the option may be given without its name.
    - `accepts`: the kinds of file that a `Media` field takes, of `engine.media.files.KINDS`. Default: all but texts.
    - `about`: the `Media` field that this file refers to, as a mask refers to an image. It is sent as a reply to it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, str_strip_whitespace=True)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """Return the typed parameters. Choices match in any case. Raises BadInput for the first invalid option."""
        try:
            return cls.model_validate(cls._match_choices(raw))
        except ValidationError as error:
            raise to_bad_input(error.errors()[0], cls.options()) from None

    @classmethod
    def check_words(cls, raw: Mapping[str, Any], files: Collection[str], *, complete: bool) -> None:
        """Check the options that are not files, before the options named in `files` have been downloaded.

        Raises BadInput for the first that is not valid and, if `raw` is `complete`, for the first that is missing.
        Rules that involve several options are left to `parse`.
        """
        try:
            # Pending files fail, which keeps pydantic from running the validators of the whole model.
            cls.model_validate({**cls._match_choices(raw), **dict.fromkeys(files, _Pending())})
        except ValidationError as error:
            for detail in error.errors():
                if detail["loc"] and detail["loc"][0] not in files and (complete or detail["type"] != "missing"):
                    raise to_bad_input(detail, cls.options()) from None

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        """Return the options in the order of their declaration."""
        return tuple(Option.of(name, field) for name, field in cls.model_fields.items())

    @classmethod
    def _match_choices(cls, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options with each choice as it is declared, whatever its case was."""
        return {name: _match_choice(value, choices_of(cls.model_fields.get(name))) for name, value in raw.items()}

    def is_set(self, option: str) -> bool:
        """Return whether the option, or the capability of that name, is used: its value differs from the default."""
        return bool(getattr(self, option) != type(self).model_fields[option].default)

    def chosen_names(self, option: str) -> tuple[str, ...]:
        """Return the names in the option's value, for an option whose values are names from config.toml."""
        value = getattr(self, option)
        return (value,) if value else ()

    def with_seed(self) -> Self:
        """Return parameters with a definite seed: -1 becomes random, and None is derived from the other options."""
        seed = getattr(self, "seed", 0)
        if seed is None:
            return self.model_copy(update={"seed": self._derive_seed()})
        return self.model_copy(update={"seed": secrets.randbelow(MAX_SEED + 1)}) if seed == -1 else self

    def has_open_seed(self) -> bool:
        """Return whether the parameters have a seed and the user left it out."""
        return getattr(self, "seed", 0) is None

    def _derive_seed(self) -> int:
        others = json.dumps(hash_files(self.model_dump(mode="json", exclude={"seed"})), sort_keys=True)
        return int.from_bytes(hashlib.sha256(others.encode()).digest()[:4], "big") & MAX_DERIVED_SEED


def _match_choice(value: Any, choices: tuple[Any, ...]) -> Any:
    """Return the choice that equals `value` regardless of case, such as `wide` for `Wide`, or `value` if none does."""
    if value in choices or not isinstance(value, str):
        return value
    folded = value.strip().casefold()
    return next((choice for choice in choices if isinstance(choice, str) and choice.casefold() == folded), value)


def assign_files(params: type[TaskParams], names: Sequence[str]) -> dict[str, int]:
    """Assign files that were sent without an option. Return, by option, the index in `names` of its file.

    A file goes to the first free option that accepts its kind. If none does it goes to the first free option, whose
    validation then explains what is wrong. Of several files, the first was sent as a reply to the others, so options
    that refer to another file come first.
    """
    free = [option for option in params.options() if option.kind == "media"]
    if len(names) > 1:
        free.sort(key=lambda option: not option.about)
    assigned: dict[str, int] = {}
    for index, name in enumerate(names[: len(free)]):
        kinds = kinds_of_name(name)
        matching = (option for option in free if not kinds or not option.accepts or kinds & {*option.accepts})
        option = next(matching, free[0])
        free.remove(option)
        assigned[option.name] = index
    return assigned


def media_of(params: TaskParams) -> Iterator[tuple[str, Media]]:
    """Yield the name and file of each option that is set to a file."""
    for name in type(params).model_fields:
        value = getattr(params, name)
        if isinstance(value, Media):
            yield name, value
