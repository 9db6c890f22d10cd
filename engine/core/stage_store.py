"""What the stages of a job made, on disk, so that a job that is run again goes on at the stage it had reached."""

import re
from collections.abc import Iterator
from pathlib import Path

import structlog
from pydantic import ValidationError

from engine.core.job import Result
from engine.media.files import intact, replace_with

log = structlog.get_logger()

FOLDER = "stages"
"""Beside the media; in it a folder a job, and in that a file a stage."""
SCRATCH = "scratch"
"""Beside the media, so that what is made moves there at once; in it a folder for each job that works on files."""


class StageStore:
    """One job's, under the studio's `folder`."""

    def __init__(self, folder: Path, job: str) -> None:
        self._folder = folder / FOLDER / job

    def load(self, name: str) -> Result | None:
        """What the stage made; None where it has not, or where a file of it is damaged or gone."""
        path = self._path(name)
        result = read_result(path) if path.exists() else None
        return result if result and all(intact(media) for media in result.media) else None

    def save(self, name: str, result: Result) -> None:
        """All of it or, on a full disk or in a crash, none."""
        self._folder.mkdir(parents=True, exist_ok=True)
        replace_with(self._path(name), result.model_dump_json().encode())

    def files(self) -> Iterator[str]:
        """The hashes of the files that the stages made."""
        for path in self._folder.glob("*.json"):
            if (result := read_result(path)) is not None:
                yield from (media.sha256 for media in result.media)

    def _path(self, name: str) -> Path:
        return self._folder / (re.sub(r"\W+", "-", name) + ".json")


def read_result(path: Path) -> Result | None:
    """What the file keeps; None, which is logged, where it is damaged or of another version of the studio."""
    try:
        return Result.model_validate_json(path.read_bytes())
    except ValidationError as error:
        log.warning("not readable, so it is made again", file=path.name, why=str(error))
        return None
