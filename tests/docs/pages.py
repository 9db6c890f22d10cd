"""Markdown pages as a reader's links see them."""

import re
from collections.abc import Iterator
from pathlib import Path

FENCE = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def links(page: Path) -> Iterator[str]:
    """Yield the targets of the links and pictures in `page` that lead to files and not to other servers."""
    text = re.sub(r"`[^`\n]*`", "", FENCE.sub("", page.read_text("utf-8")))
    yield from (target for target in LINK.findall(text) if not target.startswith(("http://", "https://")))


def anchors(page: Path) -> set[str]:
    """Return the anchors that the headings of `page` get, on GitHub and in the built site."""
    return {slug(heading) for heading in HEADING.findall(FENCE.sub("", page.read_text("utf-8")))}


def slug(heading: str) -> str:
    """Return a heading's anchor: lower case, words joined by hyphens, no punctuation."""
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())


def broken(page: Path) -> list[str]:
    """Return the links in `page` whose file or anchor does not exist."""
    return [target for target in links(page) if not resolves(page, target)]


def resolves(page: Path, target: str) -> bool:
    """Return whether the file and the anchor of a link in `page` exist."""
    path, _, anchor = target.partition("#")
    file = page.parent / path if path else page
    return file.is_file() and (not anchor or anchor in anchors(file))
