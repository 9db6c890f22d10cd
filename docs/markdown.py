"""Markdown as the pages need it: tables, code and lists of names."""

import re
from collections.abc import Iterable, Sequence

MARKS = re.compile(r"[\\`*_<>\[\]]")
"""What Markdown would take for its own."""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table. A `|` in a cell is escaped, and a line break becomes a space."""
    lines = [_line(header), _line(["---"] * len(header)), *(_line(row) for row in rows)]
    return "\n".join(lines)


def code(text: object) -> str:
    """Return `text` as inline code, with a longer fence where it contains a backtick."""
    shown = str(text)
    return f"`` {shown} ``" if "`" in shown else f"`{shown}`"


def codes(texts: Iterable[object]) -> str:
    """Return the texts as inline code, separated by commas."""
    return ", ".join(code(text) for text in texts)


def plain(text: str) -> str:
    """Return `text` so that Markdown shows every character of it as it is."""
    return MARKS.sub(r"\\\g<0>", text)


def sentence(text: str) -> str:
    """Return `text` with its first letter in upper case and a full stop at its end."""
    stripped = text.strip()
    ended = stripped if stripped.endswith((".", "!", "?", "…", ":")) else f"{stripped}."
    return ended[:1].upper() + ended[1:]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
