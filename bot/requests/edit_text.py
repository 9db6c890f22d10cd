"""The text that a button opens for editing: what the job's result says under the name that its command edits."""

from bot.app import AppContext
from bot.core.command import Request
from bot.presentation.buttons import command_of, parse_target
from bot.requests.results import load_result
from engine.core.errors import BadInput, TooLarge


async def text_to_edit(studio: AppContext, request: Request, button: str, bound: int) -> str:
    """At most `bound` characters, which is what the platform lets a person edit; none where the person writes it first.

    Raises BadInput where there is nothing to edit, NotAllowed where it is private, TooLarge for a longer text.
    """
    command, (job, _) = command_of(button, studio.commands), parse_target(button.partition(":")[2])
    row = await load_result(studio, request, job)
    blank = None if command is None or command.edited_option in command.required_facts else ""
    text = row.result.facts.get(command.edited_option, blank) if command and row.result else None
    if not isinstance(text, str):
        raise BadInput("There is nothing here to edit. Ask for it again.")
    if len(text) > bound:
        template = "It has {length} characters; here at most {bound} can be edited. Send it as a file with the command."
        raise TooLarge(template, length=len(text), bound=bound)
    return text
