"""Who may cancel or delete a job: its user, an admin, and who manages the server or group it was asked for in."""

from bot.core.command import Request
from engine.core.job import Job


async def may_manage_job(request: Request, job: Job) -> bool:
    """Return whether the user may cancel the job or delete its result.

    A manager of a server or group may do so only for jobs that were asked for there, and only from there.
    """
    if request.admin or job.user == request.user:
        return True
    return bool(request.scope) and job.place == request.scope and await request.manages()
