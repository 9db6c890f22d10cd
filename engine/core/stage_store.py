"""Results of a job's finished stages, on disk, so that a job that runs again resumes at the stage it had reached."""

import re
from collections.abc import Iterator
from pathlib import Path

import structlog
from pydantic import ValidationError

from engine.core.job import Result
from engine.media.files import is_intact, replace_with

log = structlog.get_logger()

FOLDER = "stages"
"""Folder next to the media, with one folder per job and in it one file per stage."""
SCRATCH = "scratch"
"""Folder next to the media, so that moving a result into place is a rename. It has one folder per job that needs it."""


class StageStore:
    """The finished stages of one job, in `stages/JOB` under the data `folder`."""

    def __init__(self, folder: Path, job: str) -> None:
        self._folder = folder / FOLDER / job

    def load(self, name: str) -> Result | None:
        """Return the stage's result, or None if it has not finished or one of its files is damaged or missing."""
        path = self._path(name)
        result = read_result(path) if path.exists() else None
        return result if result and all(is_intact(media) for media in result.media) else None

    def save(self, name: str, result: Result) -> None:
        """Write the stage's result atomically: a full disk or a crash leaves no partial file. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        replace_with(self._path(name), result.model_dump_json().encode())

    def files(self) -> Iterator[str]:
        """Yield the SHA-256 of every file that a finished stage refers to."""
        for path in self._folder.glob("*.json"):
            if (result := read_result(path)) is not None:
                yield from (media.sha256 for media in result.media)

    def _path(self, name: str) -> Path:
        return self._folder / (re.sub(r"\W+", "-", name) + ".json")


def read_result(path: Path) -> Result | None:
    """Return the result in the file at `path`. Log and return None if it is damaged or from another version."""
    try:
        return Result.model_validate_json(path.read_bytes())
    except ValidationError as error:
        log.warning("stage file is not readable; the stage will run again", file=path.name, why=str(error))
        return None
