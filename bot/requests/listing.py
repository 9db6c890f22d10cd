"""The lines and buttons of the jobs in a list."""

from bot.core.command import Button
from bot.requests.call import Call
from bot.requests.contexts import CommandFinder
from bot.requests.descriptions import describe_job, title_of
from storage.store import JobRecord


def show_button(call: Call[CommandFinder], row: JobRecord) -> Button:
    """Return the button that shows the job's result again."""
    return Button(call.translate("Show again: {what}", what=title_of(call.studio, row.job)), "show", row.job.id)


def format_finished(call: Call[CommandFinder], row: JobRecord) -> str:
    """Return the line of a finished job: its words, when it ended, and the link to its message."""
    return format_line(call, row, describe_job(call.studio, row.job), row.ended or row.job.created)


def format_line(call: Call[CommandFinder], row: JobRecord, text: str, at: float) -> str:
    """Return the text with the Unix time `at` and the link to the job's message, if it has one."""
    parts = (text, call.request.markup.format_time(at, call.request.language), _link_to(call, row))
    return " · ".join(part for part in parts if part)


def _link_to(call: Call[CommandFinder], row: JobRecord) -> str:
    """Return the link to the job's message. Nobody can open a link to a private answer in a server or group."""
    job = row.job
    is_hidden = not job.origin or (job.private and job.place)
    return "" if is_hidden else call.request.markup.link_to(job.origin, job.place)
