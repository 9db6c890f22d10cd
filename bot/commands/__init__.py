"""One file a command. COMMANDS is the explicit list, in the order that help shows."""

from bot.command import Command
from bot.commands import (
    again,
    cache,
    cancel,
    delete,
    faceswap,
    imagine,
    jobs,
    limits,
    no,
    queue,
    stats,
    status,
    subtitle,
    upscale,
    vary,
    yes,
)
from bot.commands import help as help_

COMMANDS: tuple[Command, ...] = (
    imagine.imagine,
    again.again,
    vary.vary,
    upscale.upscale,
    subtitle.subtitle,
    faceswap.faceswap,
    jobs.jobs,
    cancel.cancel,
    limits.limits,
    stats.stats,
    status.status,
    cache.cache,
    queue.queue,
    help_.help,
    delete.delete,
    yes.yes,
    no.no,
)
