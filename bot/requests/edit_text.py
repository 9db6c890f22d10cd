"""The text that a button opens for editing: the fact of the job's result that its command edits."""

from bot.app import AppContext
from bot.core.command import Request
from bot.presentation.buttons import command_of, parse_target
from bot.requests.results import load_result
from engine.core.errors import BadInput, TooLarge


async def text_to_edit(studio: AppContext, request: Request, button: str, bound: int) -> str:
    """Return the text to edit; empty if the user is to write a new one.

    `bound` is the number of characters that the platform can edit. Raises BadInput if there is nothing to edit,
    NotAllowed if the result is private, TooLarge if the text is longer than `bound`.
    """
    command, (job, _) = command_of(button, studio.commands), parse_target(button.partition(":")[2])
    spec = command.button if command else None
    row = await load_result(studio, request, job)
    default = None if spec is None or spec.edited_option in spec.required_facts else ""
    text = row.result.facts.get(spec.edited_option, default) if spec and row.result else None
    if not isinstance(text, str):
        raise BadInput("There is nothing to edit here. Run the command again.")
    if len(text) > bound:
        raise TooLarge(
            "The text is {count:,} character long; at most {bound:,} can be edited here. "
            "Send it as a file with the command.",
            plural="The text is {count:,} characters long; at most {bound:,} can be edited here. "
            "Send it as a file with the command.",
            count=len(text),
            bound=bound,
        )
    return text
