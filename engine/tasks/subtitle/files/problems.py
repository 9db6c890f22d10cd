"""Collect what could not be used in a subtitle file: how many problems of each kind there are, and where
the first is.
"""

from dataclasses import dataclass, field
from typing import Literal

from engine.core.errors import UserMessage

Kind = Literal["negative", "gone", "short", "empty", "stray", "mark", "late"]


@dataclass
class Problems:
    """Counts the problems of each kind and remembers the first, so that there are only a few notes."""

    guessed: bool = False
    """Whether the encoding of the file had to be guessed."""
    _first: dict[Kind, tuple[int, str]] = field(default_factory=dict)
    _count: dict[Kind, int] = field(default_factory=dict)

    def add(self, kind: Kind, line: int, text: str = "") -> None:
        """Count a problem at line number `line`. `text` is the part of the file that is not supported, if any."""
        self._first.setdefault(kind, (line, text))
        self._count[kind] = self._count.get(kind, 0) + 1

    def notes(self) -> tuple[UserMessage, ...]:
        """Return one message for each kind of problem."""
        encoding = UserMessage(
            template="The subtitle file isn't UTF-8, so it was read as Windows-1252. If any letters look "
            "wrong, save it as UTF-8."
        )
        return (encoding,) * self.guessed + tuple(self._note(kind) for kind in self._first)

    def _note(self, kind: Kind) -> UserMessage:
        line, text = self._first[kind]
        facts: dict[str, str | int | float] = {"line": line, "count": self._count[kind]}
        if kind == "mark":
            facts["mark"] = text[:40]
        return _template(kind).model_copy(update={"facts": facts})


def _template(kind: Kind) -> UserMessage:
    sentences: dict[Kind, UserMessage] = {
        "negative": UserMessage(
            template="Line {line} of srt: this cue starts before 0:00, so it is shown from 0:00.",
            plural="Line {line} of srt: this cue starts before 0:00, so it is shown from 0:00. {count:,} cues "
            "are like this.",
        ),
        "gone": UserMessage(
            template="Line {line} of srt: this cue ends before 0:00, so it is not shown.",
            plural="Line {line} of srt: this cue ends before 0:00, so it is not shown. {count:,} cues are like this.",
        ),
        "short": UserMessage(
            template="Line {line} of srt: this cue does not end after it starts, so it is shown for as long as it "
            "takes to read.",
            plural="Line {line} of srt: this cue does not end after it starts, so it is shown for as long as it "
            "takes to read. {count:,} cues are like this.",
        ),
        "empty": UserMessage(
            template="Line {line} of srt: this cue has no text.",
            plural="Line {line} of srt: this cue has no text. {count:,} cues are like this.",
        ),
        "stray": UserMessage(
            template="Line {line} of srt is not part of a cue, so it is not shown.",
            plural="Line {line} of srt is not part of a cue, so it is not shown. {count:,} lines are like this.",
        ),
        "mark": UserMessage(
            template="Line {line} of srt: “{mark}” is not supported and was removed.",
            plural="Line {line} of srt: “{mark}” is not supported and was removed. {count:,} tags are like this.",
        ),
        "late": UserMessage(
            template="Line {line} of srt: this cue starts after the recording ends, so it is never shown.",
            plural="Line {line} of srt: this cue starts after the recording ends, so it is never shown. "
            "{count:,} cues are like this.",
        ),
    }
    return sentences[kind]
