"""What a failed call to Telegram means: whether it may have arrived, and whether anybody can still see the chat."""

from collections.abc import Awaitable

import structlog
from telegram.error import BadRequest, Forbidden, NetworkError, TelegramError

log = structlog.get_logger()

_UNSENT = ("ConnectError", "ConnectTimeout", "PoolTimeout")
"""Errors of the library's HTTP client, httpx, before the first byte of a request was sent."""
_GONE = (
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
    "chat not found",
    "group chat was deactivated",
    "message thread not found",
    "topic_deleted",
)
"""Parts of the descriptions, in lower case, with which Telegram refuses what nobody could see."""


class Superseded(TelegramError):
    """A newer card made this progress edit pointless before it was sent."""


def may_have_arrived(error: TelegramError) -> bool:
    """Return whether Telegram may have done what was asked although the call failed: the connection broke or timed out
    after the request was sent, or a gateway answered with a 5xx.
    """
    return (
        isinstance(error, NetworkError)
        and not isinstance(error, BadRequest)
        and type(error.__cause__).__name__ not in _UNSENT
    )


def is_gone(error: TelegramError) -> bool:
    """Return whether nobody can see the message: it or its chat was deleted, or the bot was blocked or removed."""
    if isinstance(error, Forbidden):
        return True
    return isinstance(error, BadRequest) and any(part in error.message.lower() for part in _GONE)


async def log_errors(work: Awaitable[object]) -> None:
    """Await `work` and log its failure, so that one failed update does not stop the others."""
    try:
        await work
    except* TelegramError as errors:
        log.error("not delivered", why=_messages(errors))  # noqa: TRY400  # a traceback may contain URLs with the token
    except* Exception:
        log.exception("failed to serve a Telegram update")


def is_telegram_error(error: Exception) -> bool:
    """Return whether Telegram caused the error, or every error of the group."""
    if isinstance(error, ExceptionGroup):
        return all(is_telegram_error(inner) for inner in error.exceptions)
    return isinstance(error, TelegramError)


def _messages(errors: BaseExceptionGroup[TelegramError]) -> list[str]:
    """Return Telegram's messages from a group of errors, however deeply nested."""
    nested = [
        _messages(error) if isinstance(error, BaseExceptionGroup) else [error.message] for error in errors.exceptions
    ]
    return [message for messages in nested for message in messages]
