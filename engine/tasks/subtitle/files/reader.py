"""SRT and WebVTT to cues. Nothing is lost silently: what is not read as it stands is named by its line.

Libraries for this (pysubs2, srt, webvtt-py) are lenient: they drop what they do not know, and negative signs, without a
word, so that nobody could say what is missing. Reading is linear in the size of the file.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from engine.core.errors import BadInput, TooLarge, UserMessage
from engine.media.text_files import WESTERN, decode_text
from engine.tasks.subtitle.cues import CHARACTERS_PER_SECOND, MIN_CUE_SECONDS, Cue
from engine.tasks.subtitle.files.cue_settings import place_of
from engine.tasks.subtitle.files.markup import Markup
from engine.tasks.subtitle.files.problems import Problems
from engine.tasks.subtitle.files.time_sharing import share_time
from engine.tasks.subtitle.files.timestamps import ATTEMPT, TIMING, seconds_of

MAX_BYTES = 4_000_000
MAX_CUES = 20_000
MAX_CUE_CHARACTERS = 1_000

COMMENTS = ("NOTE", "STYLE", "REGION")
"""What WebVTT's blocks begin with that are no cues."""

Check = Callable[[], None]


@dataclass(frozen=True)
class Subtitles:
    """The cues of a file in the order of their times, and what a person has to know of how they were read."""

    cues: tuple[Cue, ...]
    notes: tuple[UserMessage, ...] = ()


@dataclass
class _Block:
    """A cue as it stands in the file: its line with the times, counted from 1, and the lines under it."""

    line: int
    start: float
    end: float
    settings: str
    body: list[str] = field(default_factory=list)


def read_subtitles(data: bytes, check: Check = lambda: None, seconds: float = math.inf) -> Subtitles:
    """Return the cues of an SRT or WebVTT file; words share the time of their cue where the file has none for them.

    `check` is called once a cue and may raise, as `Context.check` does. `seconds` is the length of the recording: a cue
    that begins after it is named in the notes. Raises TooLarge for a file over the bounds, and BadInput for one that is
    no subtitles or has times that cannot be read, naming the line.
    """
    if len(data) > MAX_BYTES:
        raise too_large(len(data))
    text, encoding = decode_text(data, "srt")
    problems = Problems(guessed=encoding == WESTERN)
    cues = list[Cue]()
    for block in _Blocks(text.split("\n"), problems):
        check()
        cue = _cue(block, problems)
        if cue is not None:
            cues.append(cue)
            if cue.start >= seconds:
                problems.add("late", block.line)
    if not cues:
        raise BadInput("srt has no cue to show. Attach a file of SRT or WebVTT, with times such as 00:00:01,000.")
    return Subtitles(tuple(sorted(cues, key=lambda cue: cue.start)), problems.notes())


def too_large(count: int) -> TooLarge:
    """Return the error for a file of `count` bytes."""
    return TooLarge(
        "srt is {size} MB; at most {bound} MB are allowed. Split the file.",
        size=round(count / 1e6, 1),
        bound=round(MAX_BYTES / 1e6),
    )


class _Blocks:
    """Splits the lines of a file into its cues."""

    def __init__(self, lines: Sequence[str], problems: Problems) -> None:
        self._lines = lines
        self._problems = problems
        self._block: _Block | None = None
        self._is_vtt = lines[0].startswith("WEBVTT")
        self._is_numbered = False
        self._skips = self._is_vtt
        """Whether the lines up to the next empty one are a header or a comment."""

    def __iter__(self) -> Iterator[_Block]:
        """Yield the cues in the order of the file. Raises BadInput and TooLarge."""
        count = 0
        for number, line in enumerate(self._lines, 1):
            found = TIMING.match(line) if ">" in line else None
            if found is None:
                self._take(number, line)
                continue
            count += 1
            _bound(count, number)
            if self._block is not None:
                self._drop_name(self._block.body)
                yield self._block
            self._block = _Block(number, seconds_of(found[1]), seconds_of(found[2]), found[3] or "")
            self._skips = False
        if self._block is not None:
            yield self._block

    def _take(self, number: int, line: str) -> None:
        """Put a line that has no times where it belongs. Raises BadInput for times that cannot be read."""
        if self._is_vtt and not self._skips and _begins_comment(self._lines, number):
            self._skips = True
        elif self._skips:
            self._skips = bool(line.strip())
        elif ">" in line and ATTEMPT.match(line):
            raise BadInput(
                "Line {line} of srt has times that cannot be read: “{text}”. Write them as"
                " 00:01:02,500 --> 00:01:04,000.",
                line=number,
                text=line.strip()[:60],
            )
        elif self._block is not None:
            self._block.body.append(line)
        elif self._is_name(number):
            self._is_numbered = line.strip().isdigit()
        elif line.strip():
            self._problems.add("stray", number)

    def _is_name(self, number: int) -> bool:
        """Return whether a line is a cue's number, or in WebVTT its name: it stands just above the times."""
        below = self._lines[number] if number < len(self._lines) else ""
        is_name = self._is_vtt or self._lines[number - 1].strip().isdigit()
        return is_name and ">" in below and TIMING.match(below) is not None

    def _drop_name(self, body: list[str]) -> None:
        """Take the number or the name of the next cue from the end of a body."""
        last = body[-1].strip() if body else ""
        is_alone = len(body) > 1 and not body[-2].strip()
        if last and ((last.isdigit() and (self._is_numbered or is_alone)) or (self._is_vtt and is_alone)):
            body.pop()


def _bound(count: int, line: int) -> None:
    if count > MAX_CUES:
        raise TooLarge(
            "srt has more than {bound} cues; the next begins in line {line}. Split the file.",
            bound=MAX_CUES,
            line=line,
        )


def _begins_comment(lines: Sequence[str], number: int) -> bool:
    """Return whether a comment, a style or a region of WebVTT begins in a line that follows an empty one."""
    words = lines[number - 1].split(maxsplit=1)
    return bool(words) and words[0] in COMMENTS and not lines[number - 2].strip()


def _cue(block: _Block, problems: Problems) -> Cue | None:
    """Return the cue of a block, or None where nothing of it could be seen, which is a problem."""
    marks = Markup(lambda mark: problems.add("mark", block.line, mark))
    lines = [marks.read(line) for line in block.body if line.strip()]
    lines = [line for line in lines if any(span.text.strip() for span in line)]
    count = sum(len(span.text) for line in lines for span in line)
    if count > MAX_CUE_CHARACTERS:
        raise TooLarge(
            "The cue in line {line} of srt has {count} characters; at most {bound} are allowed. Split it.",
            line=block.line,
            count=count,
            bound=MAX_CUE_CHARACTERS,
        )
    if not lines:
        problems.add("empty", block.line)
        return None
    times = _times(block, count, problems)
    return times and Cue(*times, share_time(lines, *times), place=marks.place or _place(block, problems))


def _times(block: _Block, count: int, problems: Problems) -> tuple[float, float] | None:
    """Return the start and the end of a cue of `count` characters; None for one that is over before the video."""
    start, end = block.start, block.end
    if end <= start:
        problems.add("short", block.line)
        end = start + max(MIN_CUE_SECONDS, count / CHARACTERS_PER_SECOND)
    if end <= 0:
        problems.add("gone", block.line)
        return None
    if start < 0:
        problems.add("negative", block.line)
    return max(0.0, start), end


def _place(block: _Block, problems: Problems) -> int:
    place, unknown = place_of(block.settings)
    for setting in unknown:
        problems.add("mark", block.line, setting)
    return place
