"""One file a command. COMMANDS is the explicit list, in the order that help shows."""

from bot.command import Command
from bot.commands import cache, cancel, imagine, jobs, limits, queue, stats, status, subtitle
from bot.commands import help as help_

COMMANDS: tuple[Command, ...] = (
    imagine.imagine,
    subtitle.subtitle,
    jobs.jobs,
    cancel.cancel,
    limits.limits,
    stats.stats,
    status.status,
    cache.cache,
    queue.queue,
    help_.help,
)
