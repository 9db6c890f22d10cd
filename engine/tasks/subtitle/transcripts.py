"""Transcripts stored by the hash of the recording, so that another style does not transcribe it again."""

import json
import time
from contextlib import suppress
from pathlib import Path

from engine.media.files import replace_with
from engine.tasks.subtitle.cues import Word
from engine.tasks.subtitle.whisper import Transcript

MAX_AGE_DAYS = 30
"""Transcripts older than this are deleted."""
FORMAT_VERSION = 2
"""Version of the stored files. Raise it when transcripts or their format change."""


class Transcripts:
    """The folder where transcripts are stored."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, sha256: str, model: str, language: str | None, task: str) -> Transcript | None:
        """Return the stored transcript of this file by this model, or None."""
        try:
            stored = json.loads(self._path(sha256, model, language, task).read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return Transcript(
            tuple(Word(*word) for word in stored["words"]),
            stored["language"],
            stored["sure"],
            tuple(stored["others"]),
            stored["seconds"],
        )

    def save(self, transcript: Transcript, sha256: str, model: str, language: str | None, task: str) -> None:
        """Store a transcript and delete old ones."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._prune(time.time() - MAX_AGE_DAYS * 86400)
        words = [[word.text, round(word.start, 3), round(word.end, 3)] for word in transcript.words]
        fields = {"language": transcript.language, "sure": transcript.probability, "others": transcript.others}
        stored = json.dumps({"words": words, **fields, "seconds": transcript.seconds}, ensure_ascii=False)
        replace_with(self._path(sha256, model, language, task), stored.encode())

    def _path(self, sha256: str, model: str, language: str | None, task: str) -> Path:
        return self._folder / f"{sha256}-{model}-{language or 'auto'}-{task}-{FORMAT_VERSION}.json"

    def _prune(self, before: float) -> None:
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):  # another device's worker prunes too
                if path.stat().st_mtime < before:
                    path.unlink()
