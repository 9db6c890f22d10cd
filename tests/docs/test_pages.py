"""The README stays short, every link leads somewhere, and the site builds without a warning or another server."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from docs.reference import assemble
from tests.docs.pages import anchors, broken, slug

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
MAX_LINES, MAX_CELL_CHARACTERS, MAX_PICTURE_BYTES = 120, 200, 150_000
needs_zensical = pytest.mark.skipif(
    find_spec("zensical") is None, reason="zensical, which builds the site, is not installed: scripts/setup --dev"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    assemble(folder)
    return folder


def build(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "--config-file"]
    return subprocess.run([*command, str(folder / "zensical.toml")], capture_output=True, text=True, check=False)


def test_the_readme_has_at_most_120_lines() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= MAX_LINES


def test_no_cell_of_the_readmes_tables_is_long() -> None:
    rows = [line for line in README.read_text("utf-8").splitlines() if line.startswith("|")]
    cells = [cell.strip() for row in rows for cell in row.strip("|").split("|")]
    assert cells
    assert [cell for cell in cells if len(cell) > MAX_CELL_CHARACTERS] == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_every_link_of_a_page_beside_the_code_leads_to_a_file_and_a_heading(name: str) -> None:
    assert broken(ROOT / name) == []


def test_every_link_of_the_documentation_leads_to_a_page_and_a_heading(folder: Path) -> None:
    faults = {page.name: broken(page) for page in sorted((folder / "pages").rglob("*.md"))}
    assert {name: links for name, links in faults.items() if links} == {}


def test_links_to_a_missing_file_picture_or_heading_are_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# Other\n\n```bash\n# not a heading\n```\n")
    page = tmp_path / "page.md"
    page.write_text("[a](other.md#other) [b](other.md#not-a-heading) [c](gone.md) ![d](gone.webp) `[e](code.md)`\n")
    assert broken(page) == ["other.md#not-a-heading", "gone.md", "gone.webp"]
    assert slug("A language model for /magic") == "a-language-model-for-magic"
    assert anchors(tmp_path / "other.md") == {"other"}


def test_every_page_is_in_the_navigation_once(folder: Path) -> None:
    site = tomllib.loads((folder / "zensical.toml").read_text("utf-8"))
    shown = list(paths_in(site["project"]["nav"]))
    pages = {page.relative_to(folder / "pages").as_posix() for page in (folder / "pages").rglob("*.md")}
    assert sorted(shown) == sorted(pages)


def paths_in(entry: Any) -> Iterator[str]:
    """Yield the pages of a part of the navigation."""
    if isinstance(entry, str):
        yield entry
    for part in entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else ():
        yield from paths_in(part)


def test_every_picture_is_small_enough_to_load_at_once() -> None:
    pictures = [path for path in (ROOT / "docs" / "pictures").rglob("*") if path.suffix in (".webp", ".png", ".svg")]
    assert pictures
    assert [path.name for path in pictures if path.stat().st_size > MAX_PICTURE_BYTES] == []


@needs_zensical
def test_the_site_builds_strictly_and_asks_no_other_server_for_anything(folder: Path) -> None:
    built = build(folder)
    assert built.returncode == 0, built.stdout + built.stderr
    pages = sorted((folder / "site").rglob("*.html"))
    assert len(pages) > 30
    assert {address for page in pages for address in scripts_of(page.read_text("utf-8"))} == set()


def scripts_of(page: str) -> Iterator[str]:
    """Yield the addresses on other servers that a browser would load with the page."""
    tags = re.findall(r"<(?:script|img|link|iframe|source)\b[^>]*>", page)
    for tag in tags:
        yield from (address for address in re.findall(r'(?:src|href)="?([^"\s>]+)', tag) if "//" in address)


@needs_zensical
def test_a_broken_link_fails_the_build(folder: Path, tmp_path: Path) -> None:
    copied = tmp_path / "docs"
    shutil.copytree(folder, copied, ignore=shutil.ignore_patterns("site"))
    with (copied / "pages" / "index.md").open("a") as page:
        page.write("\n[broken](settings.md#no-such-heading)\n")
    built = build(copied)
    assert built.returncode != 0
    assert "anchor does not exist" in built.stdout + built.stderr
