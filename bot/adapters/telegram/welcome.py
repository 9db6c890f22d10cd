"""The greeting of a person who opens the chat: their name, an example picture, and buttons to begin with."""

from pathlib import Path

from telegram import Chat, Message, User

from bot.adapters.base import truncate
from bot.adapters.telegram.keyboard import keyboard_of
from bot.adapters.telegram.message_ref import MessageRef
from bot.adapters.telegram.requests import language_of_sender
from bot.adapters.telegram.suggestions import RUN
from bot.core.command import Button
from bot.i18n.translate import translate

EXAMPLE_PICTURE = Path(__file__).parent / "example.jpg"
"""What `/imagine a sailboat at sunset --seed 4` draws with the embedded model."""
EXAMPLE_WORDS = "a sailboat at sunset"
DRAW_EXAMPLE = "_example"
"""The button that draws the example's words."""
WELCOME = (
    "Hello, {name}! Tell me what to draw, and I'll draw it. This is “{words}”.\n"
    "Send me a photo, a video or a voice message, and I'll ask what to do with it."
)
MAX_NAME_CHARACTERS = 64


async def greet(message: Message, who: User | Chat) -> None:
    """Reply with the greeting."""
    language, ref = language_of_sender(who), MessageRef.of(message)
    name = truncate((who.first_name if isinstance(who, User) else who.title) or "", MAX_NAME_CHARACTERS)
    buttons = (
        Button(translate("Draw this", language), DRAW_EXAMPLE, ""),
        Button(translate("Draw my idea", language), RUN, "imagine"),
        Button(translate("Everything I can do", language), RUN, "help"),
    )
    await message.get_bot().send_photo(
        ref.chat,
        EXAMPLE_PICTURE,
        caption=translate(WELCOME, language, name=name, words=EXAMPLE_WORDS),
        message_thread_id=ref.thread or None,
        reply_parameters=ref.reply,
        reply_markup=keyboard_of(buttons),
    )
