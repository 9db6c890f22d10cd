"""Where on Telegram a request came from, and so where its answer goes."""

from dataclasses import dataclass
from typing import Self

from telegram import MaybeInaccessibleMessage, Message, ReplyParameters
from telegram.constants import ChatType


@dataclass(frozen=True)
class MessageRef:
    """A message in its topic (0 outside topics). As text it is a request's origin: `chat/thread/message`.

    Once the job is shown it goes on: `/live`, the message that shows it, `/sent`, the files beside that one whose
    sending has begun, and a number for each message `beside` it that has arrived. Those cannot be edited, so they are
    never sent by a second run.
    """

    chat: int
    thread: int
    message: int
    live: int = 0
    sent: int = 0
    beside: tuple[int, ...] = ()

    def __str__(self) -> str:
        shown = (self.live, self.sent, *self.beside) if self.live else ()
        return "/".join(map(str, (self.chat, self.thread, self.message, *shown)))

    @classmethod
    def of(cls, message: MaybeInaccessibleMessage) -> Self:
        # A reply in a group without topics has a thread too, which nothing can be sent to.
        thread = message.message_thread_id if isinstance(message, Message) and message.is_topic_message else None
        return cls(message.chat.id, thread or 0, message.message_id)

    @classmethod
    def parse(cls, origin: str) -> Self:
        """The place that `str` wrote. Raises ValueError for anything else."""
        chat, thread, message, *shown = map(int, origin.split("/"))
        live, sent, *beside = shown or (0, 0)
        return cls(chat, thread, message, live, sent, tuple(beside))

    @property
    def is_group(self) -> bool:
        return self.chat < 0

    @property
    def reply(self) -> ReplyParameters:
        """Answer the message; should it be gone by then, stand alone."""
        return ReplyParameters(self.message, allow_sending_without_reply=True)


def is_private(message: MaybeInaccessibleMessage) -> bool:
    """Whether nobody but the person reads the chat."""
    return message.chat.type == ChatType.PRIVATE
