"""What all threads of a film job share: stages, progress, notes and cancellation."""

import threading
from collections.abc import Callable, Mapping

from engine.core.artifact_cache import ArtifactCache
from engine.core.errors import Cancelled, UserMessage
from engine.core.job import Result
from engine.media.video import CancelOrTimeout
from engine.tasks.film.film import Film
from engine.tasks.film.progress import FILM_SHARES, FilmProgress
from engine.worker.context import Context

TIMEOUT_SECONDS = 3600.0
"""Maximum time of one FFmpeg run. The engine's own limit usually ends a job sooner."""


class FilmContext:
    """The state of one film in one job.

    Each part of the film is a stage of the job. Its result is also cached for other films with the same part.
    """

    def __init__(self, film: Film, context: Context, shares: Mapping[str, float] = FILM_SHARES) -> None:
        self.film = film
        self.context = context
        self.progress = FilmProgress(context, film, shares)
        self.watch = CancelOrTimeout(context.cancelled, TIMEOUT_SECONDS)
        self.stop = threading.Event()
        self.notes: list[UserMessage] = []
        self._artifacts = ArtifactCache(context.folder)
        self._lock = threading.Lock()

    def stage(self, name: str, key: str, make: Callable[[], Result], kind: str = "") -> Result:
        """Return the result of `make`, or the cached result for `key`.

        If it was cached, the progress counts one scene of `kind` ("drawn", "spoken" or "filmed") as done.
        """
        is_new = False

        def run_once() -> Result:
            nonlocal is_new
            is_new = True
            return make()

        result = self.context.stage(name, lambda: self._artifacts.get_or_create(key, run_once))
        if kind and not is_new:
            self.progress.skip_cached(kind)
        self.note(*result.notes)
        return result

    def note(self, *notes: UserMessage) -> None:
        """Add notes for the user, without repeating any. May be called from any thread."""
        with self._lock:
            self.notes += [note for note in notes if note not in self.notes]

    def check(self) -> None:
        """Raise Cancelled if the job was cancelled or another thread of it failed."""
        self.context.check()
        if self.stop.is_set():
            raise Cancelled("Cancelled.")
