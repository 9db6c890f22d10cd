"""Describe a job in a few words, as lists and confirmations show it."""

import textwrap

from bot.core.command import Request
from bot.requests.contexts import CommandFinder
from engine.core.job import Job

EXCERPT_CHARACTERS = 40
"""Characters of a prompt that are shown, enough to tell one job from another."""


def describe_job(studio: CommandFinder, job: Job) -> str:
    """Return the job's command and the beginning of its text, such as "/imagine a red apple"."""
    return f"/{job.command} {excerpt_of(studio, job)}".strip()


def title_of(studio: CommandFinder, job: Job) -> str:
    """Return the beginning of the job's text, or its command if it has no text."""
    return excerpt_of(studio, job) or f"/{job.command}"


def excerpt_of(studio: CommandFinder, job: Job) -> str:
    """Return the beginning of the job's free text, or an empty string if it has none."""
    command = studio.command(job.command)
    free = [option.name for option in command.params.options() if option.rest] if command else []
    words = " ".join(str(job.params.get(name) or "") for name in free)
    return textwrap.shorten(words, EXCERPT_CHARACTERS, placeholder="…")


def may_show_words(request: Request, job: Job) -> bool:
    """Return whether the answer to the request may show the job's words: they are the user's own, and those of a
    private job are shown only where nobody else reads them.
    """
    return job.user == request.user and (request.private or not job.private)
