"""Consent to a command before its first use, and commands that are turned off in a server or group."""

import hashlib

from bot.app import AppContext
from bot.core.command import Command, Confirm
from bot.requests.call import Call
from bot.requests.contexts import QuestionKeeper
from engine.core.errors import NotAllowed
from engine.core.job import Job


async def check_enabled(studio: AppContext, command: str, scope: str) -> None:
    """Raise NotAllowed if the owner, or those who manage `scope`, have turned the command off there."""
    if not scope:
        return
    if scope in studio.settings.off.get(command, ()) or command in await studio.store.commands_off(scope):
        raise NotAllowed("/{command} is turned off here.", command=command)


async def ask_consent_first(call: Call[QuestionKeeper], job: Job) -> Job | Confirm:
    """Return the job, or the consent question if this is the user's first job for its command."""
    command = _consenting(call.studio, job)
    if command is None or await call.studio.store.find_consent(job.user, job.command, hash_of(command)):
        return job
    return Confirm(call.translate(command.consent), call.translate("I confirm"), job)


async def record_consent(studio: QuestionKeeper, job: Job) -> None:
    """Record that the user accepted the consent question before `job`, if its command has one."""
    command = _consenting(studio, job)
    if command is not None:
        await studio.store.add_consent(job, hash_of(command))


def hash_of(command: Command) -> str:
    """Return a hash of the consent question: when its wording changes, users are asked again."""
    return hashlib.sha256(command.consent.encode()).hexdigest()


def _consenting(studio: QuestionKeeper, job: Job) -> Command | None:
    command = studio.command(job.command)
    return command if command is not None and command.consent else None
