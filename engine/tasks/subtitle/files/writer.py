"""Write cues as SRT and WebVTT, with their styles and positions."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from engine.tasks.subtitle.cues import Cue, Style, Word
from engine.tasks.subtitle.files.timestamps import format_time

VTT_LINES = {1: "-1", 2: "50%", 3: "0"}
"""WebVTT's `line` setting for each row of positions, from the bottom up."""
VTT_ALIGNS = {1: "start", 2: "center", 3: "end"}
"""WebVTT's `align` setting for each column of positions, from the left."""


def format_srt(cues: Sequence[Cue]) -> str:
    """Return the cues as SubRip: numbered from 1, with milliseconds after a comma."""
    blocks = (
        f"{number}\n{format_time(cue.start, ',')} --> {format_time(cue.end, ',')}\n{_srt_text(cue)}\n"
        for number, cue in enumerate(cues, 1)
    )
    return "\n".join(blocks)


def format_vtt(cues: Sequence[Cue]) -> str:
    """Return the cues as WebVTT (W3C). Special characters are escaped, and a STYLE block defines the colours as
    classes.
    """
    blocks = (
        f"{format_time(cue.start, '.')} --> {format_time(cue.end, '.')}{_vtt_settings(cue.place)}\n{_vtt_text(cue)}\n"
        for cue in cues
    )
    return f"WEBVTT\n\n{_vtt_style_block(cues)}" + "\n".join(blocks)


def _srt_text(cue: Cue) -> str:
    place = f"{{\\an{cue.place}}}" if cue.place else ""
    return place + "\n".join(
        [*(_format_line(line, _srt_tags) for line in cue.lines), *map(_replace_arrows, cue.second)]
    )


def _vtt_text(cue: Cue) -> str:
    return "\n".join(
        [
            *(_format_line(line, _vtt_tags) for line in cue.lines),
            *(_escape(_replace_arrows(item)) for item in cue.second),
        ]
    )


def _srt_tags(style: Style, text: str) -> str:
    text = _wrap_in_tags(style, text)
    text = f"<s>{text}</s>" if style.strike else text
    return f'<font color="{style.colour}">{text}</font>' if style.colour else text


def _vtt_tags(style: Style, text: str) -> str:
    text, classes = _wrap_in_tags(style, _escape(text)), _class_names(style)
    return f"<c{''.join(f'.{item}' for item in classes)}>{text}</c>" if classes else text


def _wrap_in_tags(style: Style, text: str) -> str:
    for tag, is_on in (("u", style.underline), ("b", style.bold), ("i", style.italic)):
        text = f"<{tag}>{text}</{tag}>" if is_on else text
    return text


def _class_names(style: Style) -> list[str]:
    return [f"x{style.colour[1:]}"] * bool(style.colour) + ["strike"] * style.strike


def _vtt_style_block(cues: Sequence[Cue]) -> str:
    styles = {word.style for cue in cues for line in cue.lines for word in line}
    names = sorted({name for style in styles for name in _class_names(style)})
    rules = (_css_rule(name) for name in names)
    return "".join(f"STYLE\n::cue(.{name}) {{ {rule} }}\n\n" for name, rule in zip(names, rules, strict=True))


def _css_rule(name: str) -> str:
    return "text-decoration: line-through" if name == "strike" else f"color: #{name[1:]}"


def _vtt_settings(place: int) -> str:
    if not place:
        return ""
    row, column = divmod(place - 1, 3)
    return f" line:{VTT_LINES[row + 1]} align:{VTT_ALIGNS[column + 1]}"


def _format_line(line: Iterable[Word], tags: Callable[[Style, str], str]) -> str:
    """Return the text of a line with the tags of its styles. Spaces between two styles stay outside the tags."""
    parts = list[str]()
    for style, words in groupby(line, lambda word: word.style):
        text = _replace_arrows("".join(word.text for word in words))
        inner = text.strip()
        before, _, after = text.partition(inner) if inner else (text, "", "")
        parts.append(before + tags(style, inner) + after)
    return "".join(parts).strip()


def _replace_arrows(text: str) -> str:
    """Return the text with `-->` replaced, since players would read it as a time range."""
    return text.replace("-->", "→")


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
