"""Import rules of DESIGN section 2: which package may import which, and what the bot's process must not load."""

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

from bot.config.platforms import KNOWN_PLATFORMS
from tests.timing import HANG_SECONDS

ROOT = Path(__file__).parents[1]
OURS = ("bot", "engine", "storage")
FILES = {path.relative_to(ROOT).as_posix(): path for top in OURS for path in sorted((ROOT / top).rglob("*.py"))}
MODULES = {name: name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in FILES}

TASKS_FROM_OUTSIDE = tuple(
    sorted(
        {
            name
            for name in MODULES.values()
            if name.startswith("engine.tasks.")
            and name.rpartition(".")[2] in {"registry", "params", "echo", "scenes_task", "video_task"}
        }
    )
)
"""Modules of tasks that the front end may import: the list of tasks and their options, but no backend."""

ENGINE_FROM_OUTSIDE = (
    "engine.core",
    "engine.host",
    "engine.media",
    "engine.tasks.film.scripts",
    "engine.tasks.magic.task",
    *TASKS_FROM_OUTSIDE,
)
"""Parts of the engine that the front end may import: no worker and no backend."""

VALUES = ("bot.core", "bot.i18n", "bot.config", "storage.store", *ENGINE_FROM_OUTSIDE)
APP = ("bot.app", "bot.jobs", "bot.presentation", *VALUES)

ALLOWED = {
    "bot.__main__": ("bot", "storage", "engine"),
    "bot": ("bot", *VALUES),
    "bot.app": ("bot.jobs", "storage.files", *VALUES),
    "bot.core": VALUES,
    "bot.i18n": VALUES,
    "bot.config": VALUES,
    "bot.jobs": ("bot.jobs", *VALUES),
    "bot.presentation": APP,
    "bot.maintenance": ("bot.maintenance", *APP),
    "bot.requests": ("bot.requests", "storage.uploads", *APP),
    "bot.prompting": ("bot.prompting", "bot.requests", *APP),
    "bot.commands": ("bot.commands", "bot.maintenance", "bot.prompting", "bot.requests", *APP),
    "bot.adapters": ("bot.adapters", "bot.requests", *APP),
    "storage": (
        "storage",
        "engine.core.job",
        "engine.core.errors",
        "engine.media.decoding",
        "engine.media.files",
        "engine.media.video",
    ),
    "engine.__main__": ("engine",),
    "engine.core": ("engine.core", "engine.media", "engine.weights.registry", "engine.worker.context"),
    "engine.host": ("engine.core", "engine.host", "engine.tasks.registry"),
    "engine.media": ("engine.core", "engine.media"),
    "engine.torch_support": ("engine.core", "engine.torch_support"),
    "engine.text": ("engine.core", "engine.text"),
    "engine.vision": ("engine.core", "engine.media", "engine.torch_support", "engine.vision", "engine.weights"),
    "engine.weights": ("engine.core", "engine.weights"),
    "engine.worker": ("engine.core", "engine.media", "engine.weights", "engine.worker"),
    "engine.tasks": (
        "engine.core",
        "engine.media",
        "engine.tasks",
        "engine.text",
        "engine.torch_support",
        "engine.vision",
        "engine.weights",
        "engine.worker.context",
        "engine.worker.memory",
    ),
}
"""What a package may import of our own. The longest matching name applies."""

FORBIDDEN = {
    "bot.adapters": ("bot.commands", "bot.prompting"),
    "bot.commands": ("bot.adapters", "bot.app.AppContext", "bot.requests.service"),
    "bot.prompting": ("bot.app.AppContext", "bot.requests.service"),
}
"""Exceptions to ALLOWED. A command names the part of the AppContext that it sees: a Protocol, which mypy checks."""

SHARED_TASKS = {"backend", "options", "speech"}
"""Modules and packages under `engine.tasks` that every task may import."""

BORROWED = {
    ("engine.tasks.imagine.pocket.generator", "engine.tasks.upscale.realesrgan.embedded"),
    ("engine.tasks.text_to_video.contract", "engine.tasks.film.scripts.script"),
    ("engine.tasks.text_to_video.ltx.generator", "engine.tasks.film.film"),
    ("engine.tasks.text_to_video.ltx.resolution", "engine.tasks.film.scripts.script"),
    ("engine.tasks.options", "engine.tasks.film.scripts.script"),
    ("engine.tasks.options", "engine.tasks.subtitle.languages"),
    ("engine.tasks.speech.languages", "engine.tasks.subtitle.languages"),
}
"""Remaining imports from one task into another. Do not add any."""

ONE_IMPORTER = {
    "discord": "bot.adapters.discord",
    "telegram": "bot.adapters.telegram",
    "aiohttp.web": "bot.adapters.web",
    "sqlite3": "storage",
    "aiosqlite": "storage",
    "babel": "bot.i18n",
}

HEAVY_LIBRARIES = {"torch", "diffusers", "transformers", "cv2", "onnxruntime", "ncnn", "ctranslate2", "ai_edge_litert"}
"""Libraries that the bot's process never loads."""


@cache
def trees() -> dict[str, ast.Module]:
    return {name: ast.parse(path.read_text("utf-8")) for name, path in FILES.items()}


def imports(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the imported names. `from a import b` yields `a.b`, whether b is a module or not."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, package: str) -> bool:
    """Return whether `name` is the package or something in it."""
    return f"{name}.".startswith(f"{package}.")


def rule_of(module: str, rules: Iterable[str]) -> str:
    """Return the most specific rule that applies to a module, or ""."""
    return max((package for package in rules if within(module, package)), key=len, default="")


def imported_pairs() -> Iterator[tuple[str, str]]:
    """Yield each of our modules with each name that it imports: at the top, in functions, or for type checking."""
    for file, tree in trees().items():
        yield from ((MODULES[file], name) for name in imports(ast.walk(tree)))


def may_import(module: str, name: str) -> bool:
    """Return whether a module may import a name of ours."""
    if any(within(name, package) for package in FORBIDDEN.get(rule_of(module, FORBIDDEN), ())):
        return False
    return any(within(name, package) for package in ALLOWED[rule_of(module, ALLOWED)])


def module_of(name: str, modules: set[str]) -> str:
    """Return the module that `name` is or belongs to."""
    return name if name in modules else name.rpartition(".")[0]


def may_import_task(module: str, imported: str) -> bool:
    """Return whether a module under `engine.tasks` may import this module of another task."""
    own, other = (name.split(".")[2:3] for name in (module, imported))
    free = own == other or own in (["film"], ["registry"]) or other == [] or other[0] in SHARED_TASKS
    return free or (module, imported) in BORROWED


def test_modules_import_only_downward() -> None:
    ours = [(module, name) for module, name in imported_pairs() if name.split(".")[0] in OURS]
    assert len(ours) > 100
    assert [(module, name) for module, name in ours if not may_import(module, name)] == []


def test_a_task_does_not_import_another_task() -> None:
    modules = set(MODULES.values())
    found = {
        (module, module_of(name, modules))
        for module, name in imported_pairs()
        if within(module, "engine.tasks") and within(name, "engine.tasks")
    }
    assert sorted(pair for pair in found if not may_import_task(*pair)) == []
    assert sorted(BORROWED - found) == []


def test_one_platform_never_imports_another() -> None:
    platforms = [f"bot.adapters.{platform.name}" for platform in KNOWN_PLATFORMS]
    found = [
        (module, name)
        for module, name in imported_pairs()
        for own in platforms
        for other in platforms
        if own != other and within(module, own) and within(name, other)
    ]
    assert found == []


def test_a_library_with_one_owner_is_imported_only_there() -> None:
    found = [
        (module, name)
        for module, name in imported_pairs()
        for library, owner in ONE_IMPORTER.items()
        if within(name, library) and not within(module, owner)
    ]
    assert found == []


def test_imports_name_modules_in_full() -> None:
    relative = [file for file, tree in trees().items() for node in ast.walk(tree) if getattr(node, "level", 0)]
    assert relative == []


def test_there_are_no_import_cycles() -> None:
    """Imports in functions and under TYPE_CHECKING count too."""
    modules = set(MODULES.values())
    graph = {
        MODULES[file]: {module_of(name, modules) for name in imports(ast.walk(tree))} & modules - {MODULES[file]}
        for file, tree in trees().items()
    }
    TopologicalSorter(graph).prepare()


def test_the_cycle_test_reads_imports_for_type_checking() -> None:
    source = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from engine.core.job import Job\n"
    assert "engine.core.job.Job" in list(imports(ast.walk(ast.parse(source))))


def test_bot_and_engine_have_few_files_at_the_top() -> None:
    for top in ("bot", "engine"):
        files = [name for name in FILES if name.startswith(f"{top}/") and name.count("/") == 1]
        assert len(files) <= 6, files


def test_the_bot_loads_no_heavy_library() -> None:
    code = f"import bot.__main__, sys; print(*sorted({HEAVY_LIBRARIES!r} & sys.modules.keys()))"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=HANG_SECONDS, check=False
    )
    assert (run.returncode, run.stdout.strip(), run.stderr) == (0, "", "")


def test_the_rules_reject_known_violations() -> None:
    """Imports of every form are found, at the top and in functions."""
    inside = "def f():\n    from bot.adapters.web import run\n    import telegram as t"
    source = f"import discord.ext\nfrom bot.requests import service\n{inside}"
    found = list(imports(ast.walk(ast.parse(source))))
    assert found == ["discord.ext", "bot.requests.service", "bot.adapters.web.run", "telegram"]
    assert not may_import("bot.commands.help", "bot.requests.service.Service")
    assert not may_import("bot.adapters.web.server", "bot.commands.COMMANDS")
    assert not may_import("bot.commands.queue", "bot.app.AppContext")
    assert not may_import("bot.core.command", "bot.app.AppContext")
    assert not may_import("engine.worker.loop", "bot.i18n.translate.translate")
    assert not may_import("storage.store", "engine.host.engine.Engine")
    assert not may_import("bot.requests.service", "engine.tasks.imagine.backends.choose")
    assert may_import("bot.adapters.web.server", "bot.requests.service.Service")
    assert not may_import_task("engine.tasks.magic.task", "engine.tasks.imagine.backends")
    assert not within("bot.servicex", "bot.service")
