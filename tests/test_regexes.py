"""Every regular expression of ours takes linear time, on whatever text."""

import ast
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.regexes import Found, attacks, find_all

ROOT = Path(__file__).parents[1]
FILES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8"))
    for room in ("bot", "engine", "storage")
    for path in sorted((ROOT / room).rglob("*.py"))
}
EXAMPLES = {"f'[{letters}]'": "[áéíóúñ]"}
"""Patterns that are put together at run time, by their source."""
ALL = list(find_all(FILES, EXAMPLES))
SIZES = (20, 30, 45, 70, 100, 150, 230, 350, 550, 850, 1300, 2000)
"""Repetitions, growing slowly enough that exponential time is noticed before it takes long."""
SUSPECT_SECONDS = 0.001
"""Of processor time for one text: a linear expression takes a tenth of that for 2,000 repetitions."""
MOST_GROWTH = 9.0
"""Of the time for four times the text. Linear is 4, quadratic 16."""


def apply(found: Found, method: str) -> Callable[[str], object]:
    compiled = re.compile(found.pattern, found.flags)
    if method in {"sub", "subn"}:
        return lambda text: getattr(compiled, method)("", text)
    if method == "finditer":
        return lambda text: list(compiled.finditer(text))
    return getattr(compiled, method)  # type: ignore[no-any-return]  # chosen by name


def seconds(use: Callable[[str], object], text: str, tries: int) -> float:
    """The processor time of this thread, so that a busy machine changes nothing; the least of some tries."""
    taken = []
    for _ in range(tries):
        begun = time.thread_time()
        use(text)
        taken.append(time.thread_time() - begun)
    return min(taken)


def superlinear(use: Callable[[str], object], begin: str, unit: str, end: str) -> str | None:
    """What the time does with the text's length, where it grows faster than that."""
    for size in SIZES:
        text = begin + unit * size + end
        if seconds(use, text, 1) < SUSPECT_SECONDS or (whole := seconds(use, text, 3)) < SUSPECT_SECONDS:
            continue
        quarter = seconds(use, begin + unit * (size // 4) + end, 5)
        if whole > MOST_GROWTH * quarter:
            return f"{begin!r} + {unit!r} * {size} + {end!r}: {whole * 1000:.1f} ms, a quarter {quarter * 1000:.2f} ms"
    return None


def fault(found: Found) -> str | None:
    uses = [apply(found, method) for method in sorted(found.methods)]
    told = (superlinear(use, *attack) for attack in attacks(found) for use in uses)
    return next((each for each in told if each), None)


@pytest.mark.parametrize("found", ALL, ids=lambda found: found.place)
def test_a_regular_expression_takes_linear_time(found: Found) -> None:
    assert fault(found) is None


@pytest.mark.parametrize(
    ("pattern", "method"),
    [
        (r"\s+$", "search"),
        (r"\[\[(.*?)\]\]", "findall"),
        (r"(a+)+b", "match"),
        (r"(?:a|aa)+b", "match"),
        (r"\s*(.*)", "fullmatch"),
        (r"/\*.*?\*/", "sub"),
        (r"[^a-z]*[A-Z][^a-z]*", "fullmatch"),
        (r"x:\s*(\d+\.?\d*)\s*\)", "match"),
    ],
)
def test_an_expression_that_is_not_linear_is_found_out(pattern: str, method: str) -> None:
    assert fault(Found("", pattern, 0, frozenset({method})))


def test_every_use_of_re_is_found() -> None:
    written = sum(
        len(re.findall(r"\bre\.(?:compile|search|match|fullmatch|split|findall|finditer|subn?)\(", path.read_text()))
        for path in (ROOT / name for name in FILES)
    )
    assert len(ALL) == written > 30
    assert all(each.methods == {"fullmatch"} for each in ALL if each.place.startswith("bot/config/units.py"))
    with pytest.raises(LookupError, match=r"here.py:2: add an example of the pattern wanted"):
        list(find_all({"here.py": ast.parse("import re\nre.search(wanted, 'a')")}, {}))


def test_no_module_takes_functions_out_of_re() -> None:
    taken = [
        f"{name}: {ast.unparse(node)}"
        for name, tree in FILES.items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.ImportFrom) and node.module == "re")
        or (isinstance(node, ast.Import) and any(each.name in {"re", "regex"} and each.asname for each in node.names))
    ]
    assert not taken
