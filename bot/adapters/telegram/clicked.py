"""What a clicked button belongs to: its message, the job that the message shows, and the messages it would delete."""

from telegram import CallbackQuery, MaybeInaccessibleMessage, Message

from bot.adapters.telegram.message_ref import MessageRef
from bot.app import AppContext
from bot.core.command import ButtonAction
from bot.presentation.buttons import action_of, parse_button
from bot.requests.outcomes import has_ended


def has_button(query: CallbackQuery) -> bool:
    """Return whether the clicked button is under the clicked message.

    A client may send any data for any message, so a click may only delete or replace a message that has the button. For
    very old messages Telegram gives no keyboard, and this returns False.
    """
    message = query.message
    if not isinstance(message, Message) or message.reply_markup is None:
        return False
    return any(button.callback_data == query.data for row in message.reply_markup.inline_keyboard for button in row)


async def is_from_own_message(query: CallbackQuery, studio: AppContext) -> bool:
    """Return whether the clicked button belongs to its message. For a message whose keyboard Telegram no longer
    gives, return whether the button's job is shown there.
    """
    target = await message_to_delete(query, studio)
    message = query.message
    return has_button(query) or (
        target is not None
        and message is not None
        and not message.is_accessible
        and (target.chat, target.live) == (message.chat.id, message.message_id)
    )


async def message_to_delete(query: CallbackQuery, studio: AppContext) -> MessageRef | None:
    """Return the message that the button would delete, with its follow-ups. Return None for any other button."""
    button = query.data or ""
    if query.message is None or action_of(button, studio.commands) is not ButtonAction.DELETE:
        return None
    row = await studio.store.job(parse_button(button, studio.commands).raw_options.get("job", ""))
    ref = MessageRef.parse(row.job.origin) if row and row.job.user.startswith("telegram:") else None
    return ref if ref and ref.chat == query.message.chat.id else MessageRef.of(query.message)


async def is_on_dead_card(query: CallbackQuery, studio: AppContext) -> bool:
    """Return whether the click is on the Cancel button of a card whose job has ended."""
    command, _, job = (query.data or "").partition(":")
    return command == "cancel" and has_button(query) and await has_ended(studio, job)


async def is_shown_elsewhere(message: MaybeInaccessibleMessage, job: str, studio: AppContext) -> bool:
    """Return whether another message of this chat shows the job."""
    row = await studio.store.job(job)
    shown = MessageRef.parse(row.job.origin) if row and row.job.user.startswith("telegram:") else None
    return shown is not None and shown.chat == message.chat.id and shown.live not in (0, message.message_id)
