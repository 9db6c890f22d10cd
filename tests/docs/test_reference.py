"""Everything that the program declares is in the documentation that is assembled from it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.commands import COMMANDS
from bot.config.settings import known_keys
from bot.core.command import Command
from docs.reference import assemble, fill
from docs.results import EXAMPLES

ROOT = Path(__file__).parents[2]
TYPED = tuple(command for command in COMMANDS if not command.hidden)
OF_THE_SYSTEM = "address already in use"
"""A message that is not ours."""
READERS = {"get", "setdefault", "pop"}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    assemble(folder)
    return folder / "pages"


def first_cells(page: Path) -> set[str]:
    """Return the code in the first cells of the tables of a page."""
    cells = re.findall(r"^\| ([^|]+) \|", page.read_text("utf-8"), flags=re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize("command", TYPED, ids=lambda command: command.name)
def test_every_command_has_a_page_with_all_of_its_options(pages: Path, command: Command) -> None:
    options = {option.name for option in command.params.options()}
    page = pages / "commands" / f"{command.name}.md"
    assert page.is_file(), f"docs/commands/{command.name}.md is missing: see docs/contributing.md, Add a command"
    assert options <= first_cells(page)
    assert f"({command.name}.md)" in (pages / "commands" / "index.md").read_text("utf-8")


@pytest.mark.parametrize("command", TYPED, ids=lambda command: command.name)
def test_every_option_is_described_in_words(command: Command) -> None:
    assert [each.name for each in command.params.options() if each.description == each.name] == []


def test_every_button_is_on_the_page_of_buttons_with_the_results_that_have_it(pages: Path) -> None:
    rows = re.findall(
        r"^\| \*\*(.+?)\*\* \|.*\| (.*) \|$", (pages / "commands/buttons.md").read_text("utf-8"), re.MULTILINE
    )
    shown = {label: places for label, places in rows if "](" in places}
    labels = {command.button.label for command in COMMANDS if command.button is not None and command.button.label}
    assert labels <= shown.keys()


def test_every_command_that_makes_jobs_says_which_results_it_gives() -> None:
    assert {command.name for command in TYPED if command.rate} == EXAMPLES.keys()


def test_every_command_that_makes_jobs_shows_a_picture_of_its_result(pages: Path) -> None:
    without = [
        name
        for name in EXAMPLES
        if f"pictures/commands/{name}.webp" not in (pages / "commands" / f"{name}.md").read_text("utf-8")
    ]
    assert without == [], "run python -m docs.pictures"


def test_every_menu_entry_of_discord_is_documented(pages: Path) -> None:
    text = (pages / "commands" / "buttons.md").read_text("utf-8")
    assert [command.menu for command in COMMANDS if command.menu and f"**{command.menu}**" not in text] == []


def test_every_setting_is_on_the_page_of_settings(pages: Path) -> None:
    keys = {f"{section}.{key}" for section, keys in known_keys(COMMANDS).items() for key in keys}
    assert keys - first_cells(pages / "settings.md") == set()


def test_every_environment_variable_is_on_the_page_of_settings(pages: Path) -> None:
    read = set(variables_in_python()) | set(variables_elsewhere())
    assert {"ATELIER_WEB_TOKEN", "ATELIER_WEIGHTS", "HF_ENDPOINT", "CC", "PIP_INDEX_URL"} <= read
    assert read - first_cells(pages / "settings.md") == set()


def variables_in_python() -> Iterator[str]:
    """Yield the names that the program reads from the environment, or sets if they are not set."""
    for path in (file for room in ("bot", "engine", "storage") for file in (ROOT / room).rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        constants = dict(_constants(tree))
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Attribute(attr=name, value=source), args=[key, *_]) if name in READERS:
                    pass
                case ast.Subscript(value=source, slice=key):
                    pass
                case _:
                    continue
            if "environ" in ast.unparse(source):
                yield from ([constants[key.id]] if isinstance(key, ast.Name) and key.id in constants else _texts(key))
        yield from re.findall(r"\bATELIER_[A-Z]+\w*\b", path.read_text("utf-8"))


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(value))):
                yield name, value


def variables_elsewhere() -> Iterator[str]:
    """Yield the variables that compose.yaml and Dockerfile hand on, and those that the scripts take from pip or set."""
    for name in ("compose.yaml", "Dockerfile"):
        text = (ROOT / name).read_text("utf-8")
        yield from re.findall(r"\$\{(\w+):?[-+]", text)
        yield from re.findall(r"^ARG (\w+)", text, re.MULTILINE)
    yield from re.findall(r"^\s+give (\w+)", (ROOT / "scripts" / "functions.sh").read_text("utf-8"), re.MULTILINE)


def test_every_message_that_troubleshooting_quotes_is_one_that_the_program_says(pages: Path) -> None:
    said = "\n".join(texts_of_the_program())
    assert [each for each in quoted(pages / "troubleshooting.md") if each not in said] == []


def quoted(page: Path) -> Iterator[str]:
    """Yield the parts of the messages in the first cells of a page's tables, between what differs each time."""
    rows = re.findall(r"^\| `([^`]+)` \|", page.read_text("utf-8"), flags=re.MULTILINE)
    assert len(rows) > 10
    parts = [part.strip(" .:;") for row in rows if row != OF_THE_SYSTEM for part in row.split("…")]
    yield from (part for part in parts if len(part) > 8)


def texts_of_the_program() -> Iterator[str]:
    """Yield every text that stands in the source of the program."""
    for path in (file for room in ("bot", "engine", "storage") for file in (ROOT / room).rglob("*.py")):
        yield from (text for node in ast.walk(ast.parse(path.read_text("utf-8"))) for text in _texts(node))


def _texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def test_a_marker_that_no_generator_knows_is_refused() -> None:
    with pytest.raises(KeyError, match="setings"):
        fill("<!-- generated: setings -->")
