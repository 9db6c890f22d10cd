"""The text that a button opens for editing: what the job's result says under the name that its command edits."""

from bot.app import Studio
from bot.core.command import Request
from bot.presentation.buttons import job_of, pressed
from bot.requests.results import shared
from engine.core.errors import BadInput, TooLarge


async def draft(studio: Studio, request: Request, button: str, bound: int) -> str:
    """At most `bound` characters, which is what the platform lets a person edit; none where the person writes it first.

    Raises BadInput where there is nothing to edit, NotAllowed where it is private, TooLarge for a longer text.
    """
    command, (job, _) = pressed(button, studio.commands), job_of(button.partition(":")[2])
    row = await shared(studio, request, job)
    blank = None if command is None or command.edits in command.needs else ""
    text = row.result.facts.get(command.edits, blank) if command and row.result else None
    if not isinstance(text, str):
        raise BadInput("There is nothing here to edit. Ask for it again.")
    if len(text) > bound:
        template = "It has {length} characters; here at most {bound} can be edited. Send it as a file with the command."
        raise TooLarge(template, length=len(text), bound=bound)
    return text
