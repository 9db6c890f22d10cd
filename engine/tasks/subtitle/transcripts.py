"""Transcripts kept by the hash of what was heard, so that another style costs no second listening."""

import json
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from engine.media.files import replace_with
from engine.tasks.subtitle.cues import Word
from engine.tasks.subtitle.whisper import Transcript

MAX_AGE_DAYS = 30
"""Transcripts older than this go."""
FORMAT_VERSION = 2
"""Of the file: raised when what is heard or how it is written changes."""


class Transcripts:
    """The folder of one studio's transcripts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, sha256: str, model: str, language: str | None, task: str) -> Transcript | None:
        """The transcript of this file by this model, if there is one."""
        try:
            held = json.loads(self._path(sha256, model, language, task).read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return Transcript(
            tuple(Word(*word) for word in held["words"]),
            held["language"],
            held["sure"],
            tuple(held["others"]),
            held["seconds"],
        )

    def keep(self, transcript: Transcript, sha256: str, model: str, language: str | None, task: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._prune(time.time() - MAX_AGE_DAYS * 86400)
        words = [[word.text, round(word.start, 3), round(word.end, 3)] for word in transcript.words]
        made = json.dumps(asdict(transcript) | {"words": words}, ensure_ascii=False)
        replace_with(self._path(sha256, model, language, task), made.encode())

    def _path(self, sha256: str, model: str, language: str | None, task: str) -> Path:
        return self._folder / f"{sha256}-{model}-{language or 'auto'}-{task}-{FORMAT_VERSION}.json"

    def _prune(self, before: float) -> None:
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):  # the worker of another device prunes too
                if path.stat().st_mtime < before:
                    path.unlink()
