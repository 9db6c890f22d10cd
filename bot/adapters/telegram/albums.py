"""Albums, whose files Telegram sends as messages of their own, one after another and in any number of polls."""

from dataclasses import dataclass, field

from telegram import Message


@dataclass
class Albums:
    """The albums of which more messages may come.

    Their updates stay unconfirmed meanwhile, so that none is lost: `first_update` is where the next poll has to start.
    """

    _open: dict[str, list[tuple[int, Message]]] = field(default_factory=dict)

    @property
    def first_update(self) -> int | None:
        """The number of the first update of an open album, or None if no album is open."""
        return min((album[0][0] for album in self._open.values()), default=None)

    def add(self, update: int, message: Message) -> bool:
        """Add the message of an update to its album. Returns False for a message outside an album."""
        if message.media_group_id is None:
            return False
        self._open.setdefault(f"{message.chat.id}/{message.media_group_id}", []).append((update, message))
        return True

    def take_complete(self, newest: int) -> list[tuple[Message, ...]]:
        """Return the albums of which the last poll brought nothing, and forget them. Its updates begin at `newest`."""
        complete = [name for name, album in self._open.items() if album[-1][0] < newest]
        return [tuple(message for _, message in self._open.pop(name)) for name in complete]
