"""Who may know whom, as DESIGN.md's section 3 draws it, read from the source; and what the bot's process loads."""

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
OURS = ("bot", "engine", "storage")
FILES = {path.relative_to(ROOT).as_posix(): path for room in OURS for path in sorted((ROOT / room).rglob("*.py"))}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in FILES.items()}
MODULES = {name: name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in FILES}

ENGINE_FROM_OUTSIDE = tuple(
    f"engine.{name}"
    for name in (
        "decoding",
        "errors",
        "job",
        "params",
        "wire",
        "host",
        "devices",
        "duties",
        "media",
        "parts",
        "scripts",
        "stages",
        "stderr",
        "tasks",
    )
)
"""What the front end may take of the engine: values, errors, Params, duties and the host; no worker and no backend."""

CORE = tuple(sorted({name for name in MODULES.values() if name.count(".") == 1 and name.startswith("bot.")}
    - {"bot.__main__", "bot.service", "bot.adapters", "bot.commands"}))  # fmt: skip
"""The bot's values, declarations and open parts, which its rooms share."""

MAY_KNOW = {
    "bot.__main__": ("bot", "storage", "engine"),
    "bot.adapters": ("bot.adapters", "bot.service", *CORE, "storage.store", *ENGINE_FROM_OUTSIDE),
    "bot.commands": ("bot.commands", *CORE, "storage.store", *ENGINE_FROM_OUTSIDE),
    "bot.service": (*CORE, "storage.store", "storage.uploads", *ENGINE_FROM_OUTSIDE),
    "bot": (*CORE, "storage.store", "storage.files", *ENGINE_FROM_OUTSIDE),
    "storage": ("storage", "engine.job", "engine.errors", "engine.media", "engine.decoding", "engine.video"),
    "engine": ("engine",),
}
"""By room, the longest name that fits: what of ours it may import."""

ONE_IMPORTER = {
    "discord": "bot.adapters.discord",
    "telegram": "bot.adapters.telegram",
    "aiohttp.web": "bot.adapters.web",
    "sqlite3": "storage",
    "aiosqlite": "storage",
    "ray": "engine.cluster",
}

HEAVY = {"torch", "diffusers", "transformers", "cv2", "onnxruntime", "ncnn", "ctranslate2", "ai_edge_litert"}
"""What the bot's process never loads."""


def imports(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The modules that are imported; `from a import b` is `a.b`, whether b is a module or not."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, package: str) -> bool:
    return f"{name}.".startswith(f"{package}.")


def room_of(module: str) -> str:
    return max((room for room in MAY_KNOW if within(module, room)), key=len)


def pairs() -> Iterator[tuple[str, str]]:
    """Every module of ours with everything that it imports, at its top or anywhere else."""
    for file, tree in TREES.items():
        yield from ((MODULES[file], name) for name in imports(ast.walk(tree)))


def may(module: str, name: str) -> bool:
    return any(within(name, known) for known in MAY_KNOW[room_of(module)])


def test_modules_import_only_downward() -> None:
    ours = [(module, name) for module, name in pairs() if name.split(".")[0] in OURS]
    assert len(ours) > 100
    assert [(module, name) for module, name in ours if not may(module, name)] == []


def test_one_platform_never_knows_another() -> None:
    platforms = [f"bot.adapters.{name}" for name in ("discord", "telegram", "web")]
    strangers = [
        (module, name)
        for module, name in pairs()
        for own in platforms
        for other in platforms
        if own != other and within(module, own) and within(name, other)
    ]
    assert strangers == []


def test_a_library_of_one_room_is_imported_there_alone() -> None:
    strangers = [
        (module, name)
        for module, name in pairs()
        for library, owner in ONE_IMPORTER.items()
        if within(name, library) and not within(module, owner)
    ]
    assert strangers == []


def test_imports_name_modules_in_full() -> None:
    relative = [file for file, tree in TREES.items() for node in ast.walk(tree) if getattr(node, "level", 0)]
    assert relative == []


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    modules = set(MODULES.values())
    TopologicalSorter(
        {MODULES[file]: _loaded_with(tree, modules) - {MODULES[file]} for file, tree in TREES.items()}
    ).prepare()


def test_the_bots_process_loads_no_heavy_library() -> None:
    code = f"import bot.__main__, sys; print(*sorted({HEAVY!r} & sys.modules.keys()))"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.returncode, run.stdout.strip(), run.stderr) == (0, "", "")


def test_the_rules_would_notice() -> None:
    """The walk sees imports of every form, at the top and inside functions."""
    inside = "def f():\n    from bot.adapters.web import run\n    import ray as r"
    source = f"import discord.ext\nfrom bot import service\n{inside}"
    found = list(imports(ast.walk(ast.parse(source))))
    assert found == ["discord.ext", "bot.service", "bot.adapters.web.run", "ray"]
    assert not may("bot.commands.help", "bot.service.Service")
    assert not may("bot.adapters.web.server", "bot.commands.COMMANDS")
    assert not may("engine.worker", "bot.words.say")
    assert not may("storage.store", "engine.host.Engine")
    assert may("bot.adapters.web.server", "bot.service.Service")
    assert not within("bot.servicex", "bot.service")


def _loaded_with(tree: ast.Module, modules: set[str]) -> set[str]:
    """Our modules that are loaded when this one is: those imported at its top, not for type checking alone."""
    names = set(imports(tree.body))
    return {name if name in modules else name.rpartition(".")[0] for name in names} & modules
