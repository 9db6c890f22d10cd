"""Check all that can be known of a request before its files are taken: rights, options, limits, room on the disk."""

from collections.abc import Sequence

from bot.app import AppContext
from bot.core.command import Command, Request
from bot.requests import consent
from bot.requests.lookup import unknown_command_error, visible_commands
from engine.core.errors import BadInput, NotAllowed, disk_full
from storage.store import Caps, Limit

ROOM = 16_000_000
"""Bytes of disk without which no job is taken."""


def find_command(studio: AppContext, request: Request) -> Command:
    """Return the request's command. Raises BadInput for an unknown one, NotAllowed for one that is not for them."""
    command = studio.command(request.command)
    if command is None:
        raise unknown_command_error(request.command, visible_commands(studio, request))
    if command.admin and not request.admin:
        raise NotAllowed("/{command} is for admins only.", command=command.name)
    consent.check_enabled(studio, command.name, request.scope)
    return command


async def check_before_files(studio: AppContext, request: Request, *, complete: bool) -> None:
    """Check the request before any of its files is fetched or written, so that a refused one costs no disk.

    Options may still be missing where the request is not `complete`. Raises what the service refuses requests with. A
    file that an earlier job made is here already, and costs nothing.
    """
    command = find_command(studio, request)
    _check_files(command, request)
    if all(file.result for file in request.files.values()):
        return
    command.params.check_words(request.raw_options, request.files.keys(), complete=complete)
    check_disk(studio)
    role = studio.settings.role(request.user, admin=request.admin)
    caps = Caps(request.user, role.queued, role.running)
    await studio.store.check_room(caps, limits_of(studio, request, command.name))


def check_disk(studio: AppContext) -> None:
    """Raise DiskFull where jobs that are under way need the room that is left."""
    if studio.files.free() < ROOM:
        raise disk_full()


def limits_of(studio: AppContext, request: Request, command: str) -> Sequence[Limit]:
    """Return the limits of the command for everybody that the request counts as."""
    rate = studio.settings.limits.get(command)
    return [Limit(identity, command, rate) for identity in (request.user, *request.extra_identities)] if rate else []


def _check_files(command: Command, request: Request) -> None:
    """A file can only come as an attachment, never as words."""
    takes_files = {option.name for option in command.params.options() if option.kind == "media"}
    for name in request.raw_options.keys() & takes_files:
        raise BadInput("{option} must be a file. Attach one.", option=name)
    for name in request.files.keys() - takes_files:
        raise BadInput("/{command} takes no file as {option}.", command=request.command, option=name[:80])
