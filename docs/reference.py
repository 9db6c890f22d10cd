"""Assemble the documentation's pages: `python -m docs.reference FOLDER`.

The hand-written pages are copied to FOLDER/pages. A line such as `<!-- generated: settings -->` or
`<!-- generated: command imagine -->` in one of them is replaced by what the program itself declares, so that the
reference cannot differ from the code. `scripts/docs` then builds the site from FOLDER.
"""

import re
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from docs import command_reference, http_reference, settings_reference, weights_reference

HERE = Path(__file__).parent
CHANGELOG = HERE.parent / "CHANGELOG.md"
MARKER = re.compile(r"^<!-- generated: ([\w-]+)(?: (\w+))? -->$", re.MULTILINE)
NAVIGATION_MARKER = re.compile(r"^( *)# generated: command pages$", re.MULTILINE)
GENERATORS: Mapping[str, Callable[..., str]] = {
    "command": command_reference.reference,
    "commands": command_reference.index,
    "buttons": command_reference.buttons,
    "menus": command_reference.menus,
    "settings": settings_reference.reference,
    "addresses": http_reference.reference,
    "weights": weights_reference.reference,
}
"""By the name in a marker, what replaces it. A second word in the marker is the generator's argument."""


def assemble(folder: Path) -> None:
    """Write the site's configuration and pages into `folder`, in place of those of an earlier run."""
    pages = folder / "pages"
    shutil.rmtree(pages, ignore_errors=True)
    for source in sorted(HERE.rglob("*.md")):
        write(pages / source.relative_to(HERE), fill(source.read_text("utf-8")))
    write(pages / "changelog.md", CHANGELOG.read_text("utf-8"))
    shutil.copytree(HERE / "pictures", pages / "pictures")
    shutil.copytree(HERE / "style", pages / "style")
    write(folder / "zensical.toml", fill_navigation((HERE / "zensical.toml").read_text("utf-8")))


def fill(text: str) -> str:
    """Replace the markers in a page. Raises KeyError for a marker that no generator knows."""
    return MARKER.sub(lambda match: GENERATORS[match[1]](*filter(None, [match[2]])), text)


def fill_navigation(text: str) -> str:
    """Replace the line `# generated: command pages` in the site's configuration by a page for each command."""
    return NAVIGATION_MARKER.sub(lambda match: command_reference.navigation(match[1]), text)


def write(path: Path, text: str) -> None:
    """Write `text` to `path`, with the folders that lead there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def main(arguments: list[str]) -> int:
    """Assemble the pages in the folder that the command line names. Return the process's exit status."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m docs.reference FOLDER\n")
        return 2
    assemble(Path(arguments[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
