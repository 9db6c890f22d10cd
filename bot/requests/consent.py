"""What a person agrees to before a command works for them the first time, and where a command is turned off."""

import hashlib

from bot.app import AppContext
from bot.core.command import Command, Confirm
from bot.requests.call import Call
from engine.core.errors import NotAllowed
from engine.core.job import Job


def check_enabled(studio: AppContext, command: str, place: str) -> None:
    """Raises NotAllowed where the owner has turned the command off in the server or group `place`."""
    if place and place in studio.settings.off.get(command, ()):
        raise NotAllowed("/{command} is turned off in this server.", command=command)


async def ask_consent_first(call: Call, job: Job) -> Job | Confirm:
    """The job, or the question that comes before the person's first of its command."""
    command = _consenting(call.studio, job)
    if command is None or await call.studio.store.find_consent(job.user, job.command, hash_of(command)):
        return job
    return Confirm(call.translate(command.consent), call.translate("I confirm"), job)


async def record_consent(studio: AppContext, job: Job) -> None:
    """The person said yes to `job`."""
    command = _consenting(studio, job)
    if command is not None:
        await studio.store.add_consent(job, hash_of(command))


def hash_of(command: Command) -> str:
    """Of the words that are agreed to, so that other words are asked again."""
    return hashlib.sha256(command.consent.encode()).hexdigest()


def _consenting(studio: AppContext, job: Job) -> Command | None:
    command = studio.command(job.command)
    return command if command is not None and command.consent else None
