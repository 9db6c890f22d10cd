"""The pages for developers name only files, folders and modules that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PATH = re.compile(r"`((?:bot|engine|storage|tests|docs|scripts|bench)/[\w./-]+)`")
IMPORT = re.compile(r"^ *from ((?:bot|engine|storage|tests)[\w.]*) import", re.MULTILINE)
INVENTED = ("negative", "flux", "matrix", "slow_tests.txt")
"""What the worked examples add, and what a script writes."""


@pytest.mark.parametrize("page", ["architecture.md", "contributing.md", "models.md", "performance.md"])
def test_every_path_on_a_page_exists(page: str) -> None:
    named = PATH.findall((DOCS / page).read_text("utf-8"))
    assert [path for path in named if not is_invented(path) and not exists(path)] == []


def test_every_module_that_a_worked_example_imports_exists() -> None:
    named = IMPORT.findall((DOCS / "contributing.md").read_text("utf-8"))
    assert named
    assert [name for name in named if not is_invented(name) and not exists(name.replace(".", "/"))] == []


def is_invented(path: str) -> bool:
    return any(name in path for name in INVENTED)


def exists(path: str) -> bool:
    """Return whether a file, a folder or a module of that path exists; a folder's last part may be a module."""
    return (ROOT / path).exists() or (ROOT / f"{path}.py").is_file()
