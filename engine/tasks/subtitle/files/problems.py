"""What of a subtitle file was not read as it stands, by kind, with the first line of each."""

from dataclasses import dataclass, field
from typing import Literal

from engine.core.errors import UserMessage

Kind = Literal["negative", "gone", "short", "empty", "stray", "mark", "late"]


@dataclass
class Problems:
    """Counts problems of each kind and keeps the first of each, so that the notes stay few."""

    guessed: bool = False
    """Whether the encoding had to be guessed."""
    _first: dict[Kind, tuple[int, str]] = field(default_factory=dict)
    _count: dict[Kind, int] = field(default_factory=dict)

    def add(self, kind: Kind, line: int, text: str = "") -> None:
        """Count a problem of a cue whose times, or of what else, stands in `line`; `text` is what cannot be drawn."""
        self._first.setdefault(kind, (line, text))
        self._count[kind] = self._count.get(kind, 0) + 1

    def notes(self) -> tuple[UserMessage, ...]:
        """Return a sentence for each kind of problem."""
        encoding = UserMessage(
            template="srt is not in UTF-8, so it was read as Windows-1252. If letters are wrong, save it as UTF-8."
        )
        return (encoding,) * self.guessed + tuple(self._note(kind) for kind in self._first)

    def _note(self, kind: Kind) -> UserMessage:
        line, text = self._first[kind]
        facts: dict[str, str | int | float] = {"line": line, "count": self._count[kind]}
        if kind == "mark":
            facts["mark"] = text[:40]
        return _sentence(kind).model_copy(update={"facts": facts})


def _sentence(kind: Kind) -> UserMessage:
    sentences: dict[Kind, UserMessage] = {
        "negative": UserMessage(
            template="Line {line} of srt: the cue begins before 0:00, so it is shown from 0:00. Such cues: {count}."
        ),
        "gone": UserMessage(
            template="Line {line} of srt: the cue ends before 0:00, so it is not shown. Such cues: {count}."
        ),
        "short": UserMessage(
            template="Line {line} of srt: the cue does not end after it begins, so it is shown for as long as"
            " reading it takes. Such cues: {count}."
        ),
        "empty": UserMessage(template="Line {line} of srt: the cue has no text. Such cues: {count}."),
        "stray": UserMessage(template="Line {line} of srt belongs to no cue, so it is not shown. Such lines: {count}."),
        "mark": UserMessage(
            template="Line {line} of srt: “{mark}” is not supported and was left out. Such marks: {count}."
        ),
        "late": UserMessage(
            template="Line {line} of srt: the cue begins after the end of the recording, so it is never seen."
            " Such cues: {count}."
        ),
    }
    return sentences[kind]
