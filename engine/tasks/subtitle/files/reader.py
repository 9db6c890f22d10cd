"""Read SRT and WebVTT into cues. Whatever cannot be used is reported with its line number.

Existing libraries (pysubs2, srt, webvtt-py) silently drop what they do not understand, including negative times, so
users could not be told what is missing. Reading takes time linear in the size of the file.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from engine.core.errors import BadInput, TooLarge, UserMessage
from engine.media.text_files import WESTERN, decode_text
from engine.tasks.subtitle.cues import CHARACTERS_PER_SECOND, MIN_CUE_SECONDS, Cue
from engine.tasks.subtitle.files.cue_settings import parse_place
from engine.tasks.subtitle.files.markup import Markup
from engine.tasks.subtitle.files.problems import Problems
from engine.tasks.subtitle.files.time_sharing import share_time
from engine.tasks.subtitle.files.timestamps import LOOKS_LIKE_TIMING, TIMING, parse_time

MAX_BYTES = 4_000_000
"""Maximum size of a subtitle file."""
MAX_CUES = 20_000
"""Maximum number of cues in a file."""
MAX_CUE_CHARACTERS = 1_000
"""Maximum number of characters in one cue."""

COMMENTS = ("NOTE", "STYLE", "REGION")
"""First words of the WebVTT blocks that are not cues."""

Check = Callable[[], None]
"""Called regularly while reading. It may raise to stop, like `Context.check`."""


@dataclass(frozen=True)
class Subtitles:
    """The cues of a file, sorted by start time, and notes for the user about anything that was not used as written."""

    cues: tuple[Cue, ...]
    notes: tuple[UserMessage, ...] = ()


@dataclass
class _Block:
    """The lines of one cue. `line` is the number of the line with its times, counted from 1; `body` holds the lines
    below it.
    """

    line: int
    start: float
    end: float
    settings: str
    body: list[str] = field(default_factory=list)


def read_subtitles(data: bytes, check: Check = lambda: None, seconds: float = math.inf) -> Subtitles:
    """Return the cues of an SRT or WebVTT file. Words without times of their own share the time of their cue.

    `check` is called once per cue and may raise, like `Context.check`. `seconds` is the length of the recording; a note
    reports cues that start after it. Raises TooLarge if a limit is exceeded, and BadInput, with the line number, if the
    file contains no subtitles or a time that cannot be read.
    """
    if len(data) > MAX_BYTES:
        raise too_large_error(len(data))
    text, encoding = decode_text(data, "srt")
    problems = Problems(guessed=encoding == WESTERN)
    cues = list[Cue]()
    for block in _Blocks(text.split("\n"), problems):
        check()
        cue = _parse_cue(block, problems)
        if cue is not None:
            cues.append(cue)
            if cue.start >= seconds:
                problems.add("late", block.line)
    if not cues:
        raise BadInput(
            "No subtitles were found in the file. Attach an SRT or WebVTT file with times such as 00:00:01,000."
        )
    return Subtitles(tuple(sorted(cues, key=lambda cue: cue.start)), problems.notes())


def too_large_error(count: int) -> TooLarge:
    """Return the error for a file of `count` bytes."""
    return TooLarge(
        "The subtitle file is {size:bytes}; the limit is {bound:bytes}. Split it.",
        size=count,
        bound=MAX_BYTES,
    )


class _Blocks:
    """Splits the lines of a file into cues."""

    def __init__(self, lines: Sequence[str], problems: Problems) -> None:
        self._lines = lines
        self._problems = problems
        self._block: _Block | None = None
        self._is_vtt = lines[0].startswith("WEBVTT")
        self._is_numbered = False
        self._skips = self._is_vtt
        """Whether the lines up to the next empty one are a header or a comment."""

    def __iter__(self) -> Iterator[_Block]:
        """Yield the cues in file order. Raises BadInput and TooLarge."""
        count = 0
        for number, line in enumerate(self._lines, 1):
            match = TIMING.match(line) if ">" in line else None
            if match is None:
                self._take(number, line)
                continue
            count += 1
            _check_count(count, number)
            if self._block is not None:
                self._drop_name(self._block.body)
                yield self._block
            self._block = _Block(number, parse_time(match[1]), parse_time(match[2]), match[3] or "")
            self._skips = False
        if self._block is not None:
            yield self._block

    def _take(self, number: int, line: str) -> None:
        """Add a line without times to the block it belongs to. Raises BadInput for times that cannot be read."""
        if self._is_vtt and not self._skips and _begins_comment(self._lines, number):
            self._skips = True
        elif self._skips:
            self._skips = bool(line.strip())
        elif ">" in line and LOOKS_LIKE_TIMING.match(line):
            raise BadInput(
                "The times in line {line} of srt are not valid: “{text}”. Write them like 00:01:02,500 --> "
                "00:01:04,000.",
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
        """Return whether a line is the number of a cue or, in WebVTT, its name: it is directly above the times."""
        below = self._lines[number] if number < len(self._lines) else ""
        is_name = self._is_vtt or self._lines[number - 1].strip().isdigit()
        return is_name and ">" in below and TIMING.match(below) is not None

    def _drop_name(self, body: list[str]) -> None:
        """Remove the number or the name of the next cue from the end of `body`."""
        last = body[-1].strip() if body else ""
        is_alone = len(body) > 1 and not body[-2].strip()
        if last and ((last.isdigit() and (self._is_numbered or is_alone)) or (self._is_vtt and is_alone)):
            body.pop()


def _check_count(count: int, line: int) -> None:
    if count > MAX_CUES:
        raise TooLarge(
            "The subtitle file has more than {count:,} cue; the next one starts in line {line}. Split the file.",
            plural="The subtitle file has more than {count:,} cues; the next one starts in line {line}. "
            "Split the file.",
            count=MAX_CUES,
            line=line,
        )


def _begins_comment(lines: Sequence[str], number: int) -> bool:
    """Return whether a WebVTT comment, style or region starts in a line that follows an empty line."""
    words = lines[number - 1].split(maxsplit=1)
    return bool(words) and words[0] in COMMENTS and not lines[number - 2].strip()


def _parse_cue(block: _Block, problems: Problems) -> Cue | None:
    """Return the cue of a block, or None if nothing of it would be visible, which is reported. Raises TooLarge."""
    marks = Markup(lambda mark: problems.add("mark", block.line, mark))
    lines = [marks.read(line) for line in block.body if line.strip()]
    lines = [line for line in lines if any(span.text.strip() for span in line)]
    count = sum(len(span.text) for line in lines for span in line)
    if count > MAX_CUE_CHARACTERS:
        raise TooLarge(
            "The cue in line {line} of srt has {count:,} character; the limit is {bound:,}. Split it.",
            plural="The cue in line {line} of srt has {count:,} characters; the limit is {bound:,}. Split it.",
            line=block.line,
            count=count,
            bound=MAX_CUE_CHARACTERS,
        )
    if not lines:
        problems.add("empty", block.line)
        return None
    times = _clamp_times(block, count, problems)
    return times and Cue(*times, share_time(lines, *times), place=marks.place or _parse_place(block, problems))


def _clamp_times(block: _Block, count: int, problems: Problems) -> tuple[float, float] | None:
    """Return the start and end of a cue of `count` characters, in seconds, or None if it ends before the
    video starts.
    """
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


def _parse_place(block: _Block, problems: Problems) -> int:
    place, unknown = parse_place(block.settings)
    for setting in unknown:
        problems.add("mark", block.line, setting)
    return place
