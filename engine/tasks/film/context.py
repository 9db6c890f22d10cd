"""What the lanes of a film in the making share: its stages, its news, what is noted, and when to stop."""

import threading
from collections.abc import Callable, Mapping

from engine.core.artifact_cache import ArtifactCache
from engine.core.errors import Cancelled, UserMessage
from engine.core.job import Result
from engine.media.video import CancelOrTimeout
from engine.tasks.film.film import Film
from engine.tasks.film.progress import FILM, FilmProgress
from engine.worker.context import Context

TIMEOUT_SECONDS = 3600.0
"""Seconds that one run of FFmpeg may take; the engine's own limit ends a job sooner."""


class FilmContext:
    """Of one film in one job. Every part is a stage of the job, and is kept for other films that have the same."""

    def __init__(self, film: Film, context: Context, shares: Mapping[str, float] = FILM) -> None:
        self.film = film
        self.context = context
        self.news = FilmProgress(context, film, shares)
        self.watch = CancelOrTimeout(context.cancelled, TIMEOUT_SECONDS)
        self.stop = threading.Event()
        self.notes: list[UserMessage] = []
        self._parts = ArtifactCache(context.folder)
        self._lock = threading.Lock()

    def stage(self, name: str, key: str, make: Callable[[], Result], what: str = "") -> Result:
        """What `make` makes, or made before; then the news hears that `what` was found."""
        fresh = False

        def making() -> Result:
            nonlocal fresh
            fresh = True
            return make()

        made = self.context.stage(name, lambda: self._parts.get_or_create(key, making))
        if what and not fresh:
            self.news.found(what)
        self.note(*made.notes)
        return made

    def note(self, *notes: UserMessage) -> None:
        with self._lock:
            self.notes += [note for note in notes if note not in self.notes]

    def check(self) -> None:
        """Raises Cancelled if somebody ended the job, or if another lane failed."""
        self.context.check()
        if self.stop.is_set():
            raise Cancelled("Cancelled.")
