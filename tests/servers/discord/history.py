"""Keep every state of a message as a person sees it."""

import time
from dataclasses import dataclass, field
from typing import Any

from simcord.backend import Backend
from simcord.backend.models import Message
from simcord.components import walk_components

EPHEMERAL, LOADING = 1 << 6, 1 << 7


@dataclass(frozen=True)
class File:
    """An attachment with its bytes; `description` is its alt text."""

    name: str
    data: bytes = field(repr=False)
    description: str | None
    mime: str


@dataclass(frozen=True)
class Shown:
    """One state of a message. `at` is monotonic seconds; `buttons` maps the labels of enabled buttons to custom ids."""

    content: str
    files: tuple[File, ...]
    buttons: dict[str, str]
    ephemeral: bool
    loading: bool
    at: float = field(default_factory=time.monotonic, compare=False)

    @classmethod
    def of(cls, backend: Backend, message: Message) -> "Shown":
        return cls(
            content=message.content or "",
            files=tuple(_file(backend, attachment) for attachment in message.attachments),
            buttons=_buttons(message),
            ephemeral=bool(message.flags & EPHEMERAL),
            loading=bool(message.flags & LOADING),
        )


class History:
    """Every state of every message in order, by message id."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.states: dict[int, list[Shown]] = {}

    def note(self) -> None:
        """Record what has changed since the last call."""
        for messages in self._backend.messages.values():
            for message in messages.values():
                seen, now = self.states.setdefault(message.id, []), Shown.of(self._backend, message)
                if not seen or seen[-1] != now:
                    seen.append(now)


def _file(backend: Backend, attachment: dict[str, Any]) -> File:
    data = backend.cdn.get(attachment["url"])
    assert data is not None, f"{attachment['url']} was never stored"
    return File(attachment["filename"], data, attachment["description"], attachment["content_type"])


def _buttons(message: Message) -> dict[str, str]:
    parts = [part for part in walk_components(message.components) if part.get("custom_id")]
    return {part["label"]: part["custom_id"] for part in parts if not part.get("disabled")}
