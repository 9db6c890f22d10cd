"""Every regular expression in the source takes linear time on any text."""

import ast
import re
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.regexes import Found, attacks, find_all

ROOT = Path(__file__).parents[1]
FILES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for package in ("bot", "engine", "storage")
    for path in sorted((ROOT / package).rglob("*.py"))
}
USE = re.compile(r"\bre\.(?:compile|search|match|fullmatch|split|findall|finditer|subn?)\(")
"""A use of `re` as text, which is found without parsing the file."""
EXAMPLES = {"f'[{letters}]'": "[áéíóúñ]"}
"""Examples of patterns that are built at run time, by the source of the pattern."""
SIZES = (20, 30, 45, 70, 100, 150, 230, 350, 550, 850, 1300, 2000)
"""Repetitions. They grow slowly, so that exponential time is noticed before it takes long."""
SUSPECT_SECONDS = 0.001
"""Processor time for one text that raises suspicion. A linear expression takes a tenth of it for 2,000 repetitions."""
MAX_GROWTH = 9.0
"""Greatest factor in time for a text four times as long. Linear is 4, quadratic 16."""

MAX_TRIES = 5
"""Measurements that have to agree that an expression is not linear. For such an expression all of them do."""


@pytest.fixture(scope="module")
def trees() -> dict[str, ast.Module]:
    return {name: ast.parse(source) for name, source in FILES.items()}


@pytest.fixture(scope="module")
def expressions(trees: dict[str, ast.Module]) -> list[Found]:
    return list(find_all(trees, EXAMPLES))


def apply(found: Found, method: str) -> Callable[[str], object]:
    """Return a function that applies the expression to a text by this method."""
    compiled = re.compile(found.pattern, found.flags)
    if method in {"sub", "subn"}:
        return lambda text: getattr(compiled, method)("", text)
    if method == "finditer":
        return lambda text: list(compiled.finditer(text))
    return getattr(compiled, method)  # type: ignore[no-any-return]  # chosen by name


def measure_seconds(use: Callable[[str], object], text: str, tries: int) -> float:
    """Return the least of several processor times of this thread, which a busy machine does not change."""
    times = []
    for _ in range(tries):
        started = time.thread_time()
        use(text)
        times.append(time.thread_time() - started)
    return min(times)


def is_superlinear(use: Callable[[str], object], text: str, quarter: str) -> bool:
    """Return whether the time has grown by more than MAX_GROWTH. On a busy machine that may be chance."""
    return measure_seconds(use, text, 3) > MAX_GROWTH * measure_seconds(use, quarter, 5)


def find_superlinear(use: Callable[[str], object], begin: str, unit: str, end: str) -> str | None:
    """Describe a text on which the time grows faster than the length, or return None."""
    for size in SIZES:
        text = begin + unit * size + end
        if (whole := measure_seconds(use, text, 1)) < SUSPECT_SECONDS:
            continue
        quarter = begin + unit * (size // 4) + end
        if all(is_superlinear(use, text, quarter) for _ in range(MAX_TRIES)):
            return f"{begin!r} + {unit!r} * {size} + {end!r}: {whole * 1000:.1f} ms"
    return None


def find_fault(found: Found) -> str | None:
    """Describe the first text on which the expression is not linear, or return None."""
    uses = [apply(found, method) for method in sorted(found.methods)]
    descriptions = (find_superlinear(use, *attack) for attack in attacks(found) for use in uses)
    return next((text for text in descriptions if text), None)


@pytest.mark.parametrize("file", [name for name, source in FILES.items() if USE.search(source)])
def test_the_regular_expressions_of_a_file_take_linear_time(file: str, expressions: list[Found]) -> None:
    own = [found for found in expressions if found.place.startswith(f"{file}:")]
    assert own
    assert {found.place: fault for found in own if (fault := find_fault(found))} == {}


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
def test_expressions_that_are_not_linear_are_detected(pattern: str, method: str) -> None:
    assert find_fault(Found("", pattern, 0, frozenset({method})))


def test_every_use_of_re_is_found(expressions: list[Found]) -> None:
    counts = {name: count for name, source in FILES.items() if (count := len(USE.findall(source)))}
    assert Counter(found.place.partition(":")[0] for found in expressions) == counts
    assert len(expressions) > 30
    assert all(found.methods == {"fullmatch"} for found in expressions if found.place.startswith("bot/config/units.py"))
    with pytest.raises(LookupError, match=r"here.py:2: add an example of the pattern wanted"):
        list(find_all({"here.py": ast.parse("import re\nre.search(wanted, 'a')")}, {}))


def test_no_module_imports_functions_from_re(trees: dict[str, ast.Module]) -> None:
    imports = [
        f"{name}: {ast.unparse(node)}"
        for name, tree in trees.items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.ImportFrom) and node.module == "re")
        or (
            isinstance(node, ast.Import) and any(alias.name in {"re", "regex"} and alias.asname for alias in node.names)
        )
    ]
    assert not imports
