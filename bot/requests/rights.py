"""Who may cancel or delete a job: its user, an admin, and the manager of the server it was asked for in."""

from bot.core.command import Request
from engine.core.job import Job


def may_manage_job(request: Request, job: Job) -> bool:
    """Return whether the user may cancel the job or delete its result.

    A server's manager may do so only for jobs that were asked for in that server, and only from there.
    """
    manages_scope_of_job = request.manages and bool(request.scope) and job.place == request.scope
    return request.admin or job.user == request.user or manages_scope_of_job
