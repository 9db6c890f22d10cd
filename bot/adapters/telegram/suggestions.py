"""Questions with buttons: what to do with files that came without words, and whether words are to be drawn."""

from collections.abc import Sequence

from telegram import Chat, Message, User

from bot.adapters.base import truncate
from bot.adapters.telegram.hidden import INVISIBLE, carry
from bot.adapters.telegram.intents import DRAW, Pending
from bot.adapters.telegram.keyboard import keyboard_of
from bot.adapters.telegram.message import NO_LINKS
from bot.adapters.telegram.message_ref import MessageRef
from bot.adapters.telegram.requests import scope_of
from bot.adapters.telegram.sent_files import SentFile
from bot.app import AppContext
from bot.core.command import Button, Command
from bot.i18n.translate import Language, translate
from engine.media.files import KINDS, mime_of_name

RUN = "_run"
"""The button that runs the command of its argument, with what its message carries."""
DRAW_WORDS = "_draw"
"""The button that draws the words of the message that its own message replies to."""
LABELS = {
    "upscale": "Upscale",
    "imagine": "Redraw",
    "animate": "Animate",
    "faceswap": "Swap faces",
    "subtitle": "Subtitle",
}
"""The commands that are offered for files, with the labels of their buttons."""
WHAT_TO_DO = "What shall I do with it?"
WHAT_TO_DO_WITH_ALL = "What shall I do with them?"
NO_USE = "I can't use that. Send a picture, a video or a recording."
NO_USE_TOGETHER = "I can't use these together. Send them one at a time."
DRAW_THIS = "Draw “{words}”?"
SHOWN_CHARACTERS = 100
"""Characters of the words that the question repeats."""


async def ask_what_to_do(
    message: Message, who: User | Chat, files: Sequence[SentFile], studio: AppContext, language: Language
) -> Message:
    """Ask with buttons what to do with the files, or say that nothing can be done with them. Return the message."""
    off = await studio.store.commands_off(scope_of(message))
    offered = [name for name in LABELS if name not in off and _can_use(studio, name, files, scope_of(message))]
    buttons = [Button(translate(LABELS[name], language), RUN, name) for name in offered]
    if buttons:
        text = translate(WHAT_TO_DO if len(files) == 1 else WHAT_TO_DO_WITH_ALL, language)
    else:
        text = translate(NO_USE if len(files) == 1 else NO_USE_TOGETHER, language)
    return await _ask(message, text, Pending("", "", tuple(files), who.id), buttons)


async def ask_whether_to_draw(message: Message, who: User | Chat, words: str, language: Language) -> None:
    """Ask whether to draw the words, as a person's first plain words are."""
    text = translate(DRAW_THIS, language, words=truncate(words, SHOWN_CHARACTERS))
    buttons = [
        Button(translate("Yes, draw it", language), DRAW_WORDS, ""),
        Button(translate("What can you do?", language), RUN, "help"),
    ]
    await _ask(message, text, Pending(DRAW, "", (), who.id), buttons)


async def _ask(message: Message, text: str, pending: Pending, buttons: Sequence[Button]) -> Message:
    bot, ref = message.get_bot(), MessageRef.of(message)
    hidden = carry(bot.username, pending.values())
    return await bot.send_message(
        ref.chat,
        INVISIBLE + text,
        entities=[hidden] if hidden else None,
        link_preview_options=NO_LINKS,
        message_thread_id=ref.thread or None,
        reply_parameters=ref.reply,
        reply_markup=keyboard_of(buttons),
    )


def _can_use(studio: AppContext, name: str, files: Sequence[SentFile], scope: str) -> bool:
    """Return whether the command exists, is not off here in config.toml, is done by a model, and takes these files."""
    command = studio.command(name)
    if command is None or not _takes(command, [_kind_of(file) for file in files]):
        return False
    if scope in studio.settings.off.get(name, ()):
        return False
    served = {service.task for worker in studio.engine.state().workers for service in worker.services}
    return not served or name in served


def _takes(command: Command, kinds: Sequence[str]) -> bool:
    """Return whether each of the files has an option that accepts its kind and refers to no other file."""
    free = [option for option in command.params.options() if option.kind == "media" and not option.about]
    for kind in kinds:
        option = next((option for option in free if kind in (option.accepts or KINDS)), None)
        if option is None:
            return False
        free.remove(option)
    return True


def _kind_of(file: SentFile) -> str:
    """Return the kind of the file as options name it, or "" if it is unknown."""
    kind = (mime_of_name(file.name) or "").partition("/")[0]
    return {"audio": "sound"}.get(kind, kind)
