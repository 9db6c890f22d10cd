"""Where a Telegram message is: the origin of a request, and where its answer goes."""

from dataclasses import dataclass
from typing import Self

from telegram import MaybeInaccessibleMessage, Message, ReplyParameters
from telegram.constants import ChatType


@dataclass(frozen=True)
class MessageRef:
    """A message in its topic (0 where the chat has no topics). Its text, the origin of a request, is
    `chat/thread/message`.

    For a job that is shown, the text continues with `/live/sent` and the ids of `followups`: `live` is the message that
    shows the job, `sent` counts the further files whose upload has begun, and `followups` are the messages that hold
    them. Follow-ups cannot be edited, so a later run never sends them again.
    """

    chat: int
    thread: int
    message: int
    live: int = 0
    sent: int = 0
    followups: tuple[int, ...] = ()

    def __str__(self) -> str:
        """Return the origin."""
        shown = (self.live, self.sent, *self.followups) if self.live else ()
        return "/".join(map(str, (self.chat, self.thread, self.message, *shown)))

    @classmethod
    def of(cls, message: MaybeInaccessibleMessage) -> Self:
        """Return the reference of a message."""
        # A reply in a group without topics has a thread too, which nothing can be sent to.
        thread = message.message_thread_id if isinstance(message, Message) and message.is_topic_message else None
        return cls(message.chat.id, thread or 0, message.message_id)

    @classmethod
    def parse(cls, origin: str) -> Self:
        """Return the reference that `str` wrote. Raises ValueError for any other text."""
        chat, thread, message, *shown = map(int, origin.split("/"))
        live, sent, *followups = shown or (0, 0)
        return cls(chat, thread, message, live, sent, tuple(followups))

    @property
    def is_group(self) -> bool:
        """Return whether the chat is a group."""
        return self.chat < 0

    @property
    def reply(self) -> ReplyParameters:
        """Return what makes a message a reply to this one, or a message of its own if this one has been deleted."""
        return ReplyParameters(self.message, allow_sending_without_reply=True)


def is_private(message: MaybeInaccessibleMessage) -> bool:
    """Return whether the chat is between the bot and one person."""
    return message.chat.type == ChatType.PRIVATE
