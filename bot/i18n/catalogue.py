"""The catalogues of translations: one gettext file (.po) for each language, in which the English sentence is the id.

They are read as they are, so nothing has to be compiled after a change.
"""

import gettext
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from babel.messages import Catalog, Message
from babel.messages.pofile import read_po

Language = Literal["en", "es"]

LOCALE_FOLDER = Path(__file__).with_name("locale")


@dataclass(frozen=True)
class Catalogue:
    """The translations into one language."""

    #: English sentence -> its translation, or all forms of its translation for a sentence that states a count.
    translations: dict[str, str | tuple[str, ...]]
    #: Returns which form a count takes, from 0.
    choose_form: Callable[[int], int]

    def find(self, template: str, plural: str, count: int) -> str:
        """Return the translation of the sentence for `count`, or the English one that suits if there is none."""
        translated = self.translations.get(template)
        if isinstance(translated, tuple):
            return translated[self.choose_form(count)]
        return translated or (plural if plural and count != 1 else template)


def catalogue_path(language: str) -> Path:
    """Return the path of the catalogue for a language such as "es"."""
    return LOCALE_FOLDER / language / "LC_MESSAGES" / "atelier.po"


def read_messages(language: str) -> Catalog:
    """Return the catalogue of `language` as Babel's value, with everything that the file says."""
    with catalogue_path(language).open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def load_catalogue(language: str) -> Catalogue:
    """Return the finished translations of `language`."""
    return build_catalogue(read_messages(language))


def build_catalogue(messages: Catalog) -> Catalogue:
    """Return the finished translations in `messages`, without those that still wait to be checked."""
    finished = {forms_of(message.id): forms_of(message.string) for message in messages if is_finished(message)}
    return Catalogue(
        {ids[0]: strings if len(ids) > 1 else strings[0] for ids, strings in finished.items()},
        gettext.c2py(messages.plural_expr),
    )


def is_finished(message: Message) -> bool:
    """Return whether the sentence has a translation, each form of it if it states a count, and somebody checked it."""
    return bool(message.id and message.string) and all(forms_of(message.string)) and not message.fuzzy


def forms_of(text: str | list[str] | tuple[str, ...] | None) -> tuple[str, ...]:
    """Return all forms of a sentence that states a count, or the only form of another one."""
    return (text or "",) if isinstance(text, str | None) else tuple(text)
