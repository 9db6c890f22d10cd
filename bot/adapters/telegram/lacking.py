"""What a command still lacks, and the question that asks for it."""

from collections.abc import Collection, Mapping, Sequence

from bot.adapters.telegram.sent_files import SentFile
from bot.core.command import Command
from bot.i18n.translate import Language, translate
from engine.core.errors import BadInput
from engine.core.options import Option
from engine.core.params import assign_files

QUESTIONS = {
    "imagine.prompt": "What shall I draw?",
    "magic.idea": "What is your idea?",
    "upscale.image": "Which picture, GIF or short video shall I enlarge?",
    "animate.portrait": "Whose portrait shall talk? Send a picture of a face.",
    "animate.text": "What should it say? Write it, or send a voice message.",
    "subtitle.media": "What shall I subtitle? Send a video, a voice message or another recording.",
    "faceswap.source": "Whose face shall I use? Send a picture of it.",
    "faceswap.target": "Where shall I put the face? Send a picture, a GIF or a short video.",
    "video.prompt": "What shall the video show?",
    "scenes.script": "What is the script? Write what each scene shows, with | between scenes.",
}
"""The question for an option of a command. Other options are asked for by their descriptions."""
ANSWER_WITH_TEXT = "Answer by replying to this message."
ANSWER_WITH_FILE = "Answer by replying to this message with the file."
TEXT_PLACEHOLDER = "For example: {example}"
FILE_PLACEHOLDER = "Attach the file"


def assign(command: Command, files: Sequence[SentFile]) -> dict[str, SentFile]:
    """Return the files by the options that take them. Raises BadInput for files that no option takes."""
    options = [option for option in command.params.options() if option.kind == "media"]
    if files and not options:
        raise BadInput("/{command} doesn't use files. Send it without one.", command=command.name)
    if len(files) > len(options):
        raise BadInput(
            "/{command} takes at most {count} file. Send fewer.",
            plural="/{command} takes at most {count} files. Send fewer.",
            command=command.name,
            count=len(options),
        )
    indices = assign_files(command.params, [file.name for file in files])
    return {option: files[index] for option, index in indices.items()}


def find_lacking(command: Command, raw: Mapping[str, str], files: Collection[str]) -> Option | None:
    """Return the first option that a command cannot do without: a required file, or the text that takes all words.

    A text that is not required is lacking only where neither other options nor a file stand in for it. Commands that
    create no jobs lack nothing.
    """
    if command.ephemeral:
        return None
    options = command.params.options()
    required = (option for option in options if option.kind == "media" and option.required and option.name not in files)
    if (file := next(required, None)) is not None:
        return file
    text = next((option for option in options if option.rest and option.name not in raw), None)
    if text is None or text.required:
        return text
    stand_ins = {option.name for option in options if option.kind == "media" and not option.required}
    return None if raw or stand_ins & set(files) else text


def question_for(command: Command, option: Option, language: Language) -> tuple[str, str]:
    """Return the question that asks for the option, and what the empty reply box shows."""
    key = f"{command.name}.{option.name}"
    asked = translate(QUESTIONS[key], language) if key in QUESTIONS else translate(option.description, language)
    if option.kind == "media":
        return f"{asked}\n{translate(ANSWER_WITH_FILE, language)}", translate(FILE_PLACEHOLDER, language)
    examples = command.params.model_fields[option.name].examples or [""]
    placeholder = translate(TEXT_PLACEHOLDER, language, example=str(examples[0])) if examples[0] else ""
    return f"{asked}\n{translate(ANSWER_WITH_TEXT, language)}", placeholder
