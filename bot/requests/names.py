"""The names under which platforms know people, so that admins need not read ids."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from bot.core.command import Request

MAX_NAME_CHARACTERS = 40
"""Characters of a name that are kept."""


class NameStore(Protocol):
    """The part of the store that keeps names, as notes."""

    async def get_note(self, name: str) -> str | None:
        """Return a note, or None."""

    async def set_note(self, name: str, value: str) -> None:
        """Store a note."""


async def remember_name(store: NameStore, request: Request) -> None:
    """Store the name of the request's user if the platform gives one and it is new."""
    name = clean_name(request.user_name)
    if name and await store.get_note(_note_of(request.user)) != name:
        await store.set_note(_note_of(request.user), name)


async def load_names(store: NameStore, users: Iterable[str]) -> Mapping[str, str]:
    """Return how to show each user: "Ana (discord:42)", or the id alone where no name is known.

    Names are not unique and people choose them, so the id always stands beside them.
    """
    names = {user: await store.get_note(_note_of(user)) for user in sorted(set(users))}
    return {user: f"{name} ({user})" if name else user for user, name in names.items()}


def clean_name(name: str) -> str:
    """Return the name in one line without invisible characters, which could change the text around it."""
    visible = "".join(character if character.isprintable() else " " for character in name)
    return " ".join(visible.split())[:MAX_NAME_CHARACTERS].strip()


def _note_of(user: str) -> str:
    return f"name:{user}"
