"""Updates of a job that only the front end knows."""

from engine.core.job import Queued


class LimitWait(Queued):
    """The job waits until the rate limit of `command` lets it start, in `seconds_left`.

    Its `place` counts the user's jobs that wait for the same limit.
    """

    command: str
    #: At most `count` jobs of the command start in any `window` of so many seconds.
    count: int
    window: float
