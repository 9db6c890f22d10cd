"""Check a request before its files are downloaded: rights, options, rate limits and free disk space."""

from collections.abc import Sequence

from bot.app import AppContext
from bot.core.command import Command, Request
from bot.requests import consent
from bot.requests.lookup import unknown_command_error, visible_commands
from engine.core.errors import BadInput, NotAllowed, disk_full
from storage.store import Caps, Limit

MIN_FREE_DISK_BYTES = 16_000_000
"""Jobs are refused while less of the disk is free."""


async def find_command(studio: AppContext, request: Request) -> Command:
    """Return the request's command. Raises BadInput if it is unknown, NotAllowed if the user may not use it."""
    command = studio.command(request.command)
    if command is None:
        raise unknown_command_error(request.command, visible_commands(studio, request))
    if command.admin and not request.admin:
        raise NotAllowed("/{command} is for admins only.", command=command.name)
    await consent.check_enabled(studio, command.name, request.scope)
    return command


async def check_before_files(studio: AppContext, request: Request, *, complete: bool) -> None:
    """Check the request before any of its files is downloaded, so that a refused request uses no disk.

    Options may still be missing unless the request is `complete`. Requests whose files are all results of earlier jobs
    skip the checks of options and limits here: they need no download. Rate limits are checked only for requests whose
    jobs may not wait for them. Raises BadInput, NotAllowed, RateLimited, TooMany
    and DiskFull.
    """
    command = await find_command(studio, request)
    _check_files(command, request)
    if all(file.result and not (file.url or file.path) for file in request.files.values()):
        return
    command.params.check_words(request.raw_options, request.files.keys(), complete=complete)
    check_disk(studio)
    role = studio.settings.role(request.user, admin=request.admin)
    caps = Caps(request.user, role.queued, role.running)
    may_wait = role.queued > 0 and not request.from_program
    await studio.store.check_room(caps, () if may_wait else limits_of(studio, request, command.name))


def check_disk(studio: AppContext) -> None:
    """Raise DiskFull if less than MIN_FREE_DISK_BYTES are free: running jobs need that space."""
    if studio.files.free() < MIN_FREE_DISK_BYTES:
        raise disk_full()


def limits_of(studio: AppContext, request: Request, command: str) -> Sequence[Limit]:
    """Return the command's rate limits for every identity that the request counts towards."""
    rate = studio.rates.get(command)
    return [Limit(identity, command, rate) for identity in (request.user, *request.extra_identities)] if rate else []


def _check_files(command: Command, request: Request) -> None:
    """Raise BadInput for a file given in words, or for an attachment that the command does not take."""
    takes_files = {option.name for option in command.params.options() if option.kind == "media"}
    for name in request.raw_options.keys() & takes_files:
        raise BadInput("{option} must be a file. Attach one.", option=name)
    for name in request.files.keys() - takes_files:
        raise BadInput(
            "/{command} doesn't take a file for {option}. Remove it.", command=request.command, option=name[:80]
        )
