"""Who may end or delete a job: its person, an admin of the studio, and the manager of the server it belongs to."""

from bot.core.command import Request
from engine.core.job import Job


def may_rule(request: Request, job: Job) -> bool:
    """Return whether the asker may end the job or delete what it made.

    Rights in a server hold for what was asked for in that server, and only there.
    """
    manages_its_place = request.manages and bool(request.scope) and job.place == request.scope
    return request.admin or job.user == request.user or manages_its_place
