"""Cues as SRT and WebVTT, and back from them."""

import re
from collections.abc import Iterable, Sequence

from engine.errors import BadInput
from engine.subtitles.cues import Cue, Word

MOST = 20_000
"""Cues that a file may have."""

_TIME = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{2})[,.](\d{1,3})"
_TIMES = re.compile(rf"^\s*{_TIME}\s*-->\s*{_TIME}", re.MULTILINE)
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]{0,100}>|\{\\[^{}\n]{0,100}\}")


def srt(cues: Sequence[Cue]) -> str:
    """SubRip: numbered from 1, milliseconds after a comma."""
    blocks = (
        f"{number}\n{_time(cue.start, ',')} --> {_time(cue.end, ',')}\n{_plain(cue.text)}\n"
        for number, cue in enumerate(cues, 1)
    )
    return "\n".join(blocks)


def vtt(cues: Sequence[Cue]) -> str:
    """WebVTT (W3C): `&`, `<` and `>` are escaped."""
    blocks = (f"{_time(cue.start, '.')} --> {_time(cue.end, '.')}\n{_escaped(_plain(cue.text))}\n" for cue in cues)
    return "WEBVTT\n\n" + "\n".join(blocks)


def parse(data: bytes) -> list[Cue]:
    """The cues of an SRT or WebVTT file in UTF-8, in the order of their times; a line's time is shared by its words.

    Raises BadInput for what is neither.
    """
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        raise BadInput("srt is not in UTF-8. Save it in UTF-8 and attach it again.") from None
    marks = list(_TIMES.finditer(text))
    if not marks or len(marks) > MOST:
        raise BadInput("srt has {count} cues; it must have from 1 to {bound}.", count=len(marks), bound=MOST)
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    cues = (_cue(mark, text[mark.end() : end], last=end == len(text)) for mark, end in zip(marks, ends, strict=True))
    return sorted((cue for cue in cues if cue is not None), key=lambda cue: cue.start)


def _cue(mark: re.Match[str], body: str, *, last: bool) -> Cue | None:
    start, end = _seconds(mark.groups()[:4]), _seconds(mark.groups()[4:])
    lines = [_unescaped(_TAG.sub("", line)).strip() for line in body.split("\n")[1:]]
    if not last and lines and (not lines[-1] or lines[-1].isdigit()):
        lines.pop()  # the next cue's number, or the end of the line before its times
    lines = _until_blank(lines)
    if not lines or end <= start:
        return None
    return Cue(start, end, tuple(shared(lines, start, end)))


def shared(lines: Sequence[str], start: float, end: float) -> Iterable[tuple[Word, ...]]:
    """Lines of text as words that share the time from `start` to `end` by their length."""
    total = max(1, sum(len(word) for line in lines for word in line.split()))
    at = start
    for line in lines:
        words = []
        for index, word in enumerate(line.split()):
            until = at + (end - start) * len(word) / total
            words.append(Word(f" {word}" if index else word, at, until))
            at = until
        yield tuple(words)


def _until_blank(lines: Sequence[str]) -> list[str]:
    held: list[str] = []
    for line in lines:
        if not line and held:
            break
        if line:
            held.append(line)
    return held


def _plain(text: str) -> str:
    """An arrow in a text would read as times."""
    return text.replace("-->", "→")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _seconds(parts: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = parts
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0) + float(f"0.{fraction}")


def _time(seconds: float, mark: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{mark}{rest % 1000:03}"
