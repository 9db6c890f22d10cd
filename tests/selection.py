"""A pytest plugin: which tests run by default, and how the worker processes of pytest-xdist share the machine.

`scripts/test` runs what a newcomer needs: no test of the full tier, which needs torch, and none of those that took over
SLOW_SECONDS when they were last measured. `scripts/test --all` runs everything, and so does naming a file or a test.
"""

import ast
import os
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SLOW_TESTS = TESTS / "slow_tests.txt"
"""Ids of slow tests, one per line and without parameters. `scripts/test --all --measure` writes the file."""
SLOW_SECONDS = 5.0
"""Seconds from which on a test counts as slow."""
FULL_TIER = {
    "accelerate",
    "compel",
    "diffusers",
    "insightface",
    "peft",
    "spandrel",
    "torch",
    "torchvision",
    "transformers",
}
"""Packages of the extra `full`. A test file that imports one, directly or through a helper, is of the full tier."""
TORCH_MODULES = ("engine.torch_support.onnx",)
"""Modules of ours that import torch. A test file that imports one is of the full tier, too."""
RUN_ALL_VARIABLE = "PYTEST_RUN_ALL"
"""Environment variable that is set while all tests run, so that helpers skip none of them."""
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

if "PYTEST_XDIST_WORKER" in os.environ:  # before numpy and the like start their threads
    for variable in THREAD_VARIABLES:
        os.environ.setdefault(variable, "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --all and --measure."""
    parser.addoption("--all", action="store_true", help="also run slow tests and tests of the full tier")
    parser.addoption("--measure", action="store_true", help="record which tests are slow, for the next run")


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return one worker process more than there are cores, because tests wait for other processes much of the time."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + 1


def pytest_configure(config: pytest.Config) -> None:
    """Say whether all tests run, and record durations if asked to, in the main process only."""
    if config.getoption("--all"):
        os.environ[RUN_ALL_VARIABLE] = "1"
    if config.getoption("--measure") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(DurationRecorder(), "duration-recorder")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skip files of the full tier unless all tests run. Returning None lets other plugins decide."""
    is_test = collection_path.suffix == ".py" and collection_path.name.startswith("test_")
    if is_test and not _runs_everything(config) and is_of_full_tier(collection_path):
        return True
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect slow tests unless all tests run."""
    if _runs_everything(config) or not SLOW_TESTS.exists():
        return
    slow = set(SLOW_TESTS.read_text("utf-8").splitlines())
    skipped = [item for item in items if base_id(item.nodeid) in slow]
    items[:] = [item for item in items if base_id(item.nodeid) not in slow]
    config.hook.pytest_deselected(items=skipped)


def _runs_everything(config: pytest.Config) -> bool:
    """Return whether all tests run, or tests were named on the command line."""
    by_name = config.args_source is not pytest.Config.ArgsSource.TESTPATHS
    return bool(config.getoption("--all")) or by_name


def base_id(nodeid: str) -> str:
    """Return the test's id without its parameters."""
    return nodeid.partition("[")[0]


@cache
def is_of_full_tier(path: Path) -> bool:
    """Return whether the file imports a package of the full tier, directly or through helpers in tests/."""
    pending, seen = {path}, set[Path]()
    while pending:
        seen.add(file := pending.pop())
        names = imported_names(file)
        if any(name.partition(".")[0] in FULL_TIER or name.startswith(TORCH_MODULES) for name in names):
            return True
        pending |= {helper for name in names if (helper := _helper(name)) is not None} - seen
    return False


@cache
def imported_names(path: Path) -> set[str]:
    """Return the dotted names of all imports in the file."""
    names = set[str]()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def _helper(name: str) -> Path | None:
    """Return the file of a module in tests/, such as tests.tiny_sdxl."""
    path = TESTS.parent / (name.replace(".", "/") + ".py")
    return path if name.startswith("tests.") and path.is_file() else None


class DurationRecorder:
    """Sums the seconds of each test, including its fixtures, and records the slow ones."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add the seconds of one phase of a test."""
        self._seconds[report.nodeid] += report.duration

    def pytest_sessionfinish(self) -> None:
        """Write the ids of the slow tests."""
        slow = {base_id(nodeid) for nodeid, seconds in self._seconds.items() if seconds > SLOW_SECONDS}
        SLOW_TESTS.write_text("".join(f"{nodeid}\n" for nodeid in sorted(slow)), "utf-8")
