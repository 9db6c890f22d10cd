"""Hostile requests through the service: each is answered, and none holds the event loop."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.app import AppContext
from bot.commands import COMMANDS
from bot.config.settings import Settings
from bot.core.command import Attachment, Request
from bot.maintenance.loop_watchdog import Block, Watchdog
from bot.presentation.buttons import parse_button
from bot.requests.service import Service
from engine.core.job import Failed
from engine.host.engine import Engine
from engine.weights import registry
from storage.files import Files
from storage.store import Store
from tests.fakes import small_engine
from tests.watched_loop import collector_free_clock

pytestmark = pytest.mark.asyncio(loop_scope="module")
MAX_SECONDS = 1.0
"""Processor time for which one callback may block the loop. Nested variants once took 20 s, spaces in a script 10 s."""


def nested_variants(choices: int, depth: int) -> str:
    return "{" * depth + "a" + ("|" * (choices - 1) + "}") * depth


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    folder = tmp_path_factory.mktemp("engine")
    (folder / "weights").symlink_to(registry.FOLDER.resolve())
    async with small_engine(folder, models=(("imagine", "pocket"), ("magic", "grammar"))) as engine:
        yield engine


@pytest_asyncio.fixture(loop_scope="module")
async def service(engine: Engine, tmp_path: Path) -> AsyncIterator[Service]:
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "latin.txt").write_bytes("café\n".encode("latin-1"))
    (lists / "large.txt").write_text("word\n" * 199_000)
    settings = Settings.model_validate({"bot": {"data_dir": tmp_path, "wildcards": lists}})
    async with Store.open(":memory:") as store:
        files = Files(tmp_path / "media", max_bytes=10**6, max_pixels=10_000)
        yield Service(AppContext(settings, store, files, engine, COMMANDS))


@contextmanager
def expect_no_block() -> Iterator[None]:
    """Watch the running loop. Raises AssertionError if one callback, of any code, blocks it for MAX_SECONDS."""
    blocks: list[Block] = []
    with collector_free_clock() as clock:
        watchdog = Watchdog(blocks.append, MAX_SECONDS, clock)
        watchdog.start()
        try:
            yield
        finally:
            watchdog.stop()
    assert not blocks, [(block.seconds, *map(str, block.stack)) for block in blocks]


async def expect_refusal(service: Service, request: Request) -> Failed:
    """Serve the request and return its failure. Fails if one callback blocks the loop for MAX_SECONDS."""
    with expect_no_block():
        async with aclosing(service.handle(request)) as updates:
            update = [update async for update in updates][-1]
    assert isinstance(update, Failed), update
    return update


def request(command: str, raw: dict[str, Any], **files: Attachment) -> Request:
    return Request(command, raw, user="web:ana", origin="", files=files)


@pytest.mark.parametrize(
    ("command", "raw", "said"),
    [
        ("imagine", {"prompt": nested_variants(6, 8)}, "prompt expands to 41 pictures"),
        ("imagine", {"prompt": nested_variants(20, 8)}, "prompt expands to more than 50 pictures"),
        ("imagine", {"prompt": "{2$$" + "|" * 1400 + "}"}, "prompt expands to more than 50 pictures"),
        ("magic", {"idea": nested_variants(20, 8)}, "idea expands to more than 50 pictures"),
        ("imagine", {"prompt": "__" + "a" * 400 + "__"}, "There is no wildcard list __aaaa"),
        ("imagine", {"prompt": "__latin__"}, "list latin is not UTF-8 text. Tell an admin to save latin.txt"),
        ("imagine", {"prompt": "__large__ " * 140 + "__nothing__"}, "There is no wildcard list __nothing__"),
        ("imagine", {"prompt": "(" * 750 + ")" * 740 + "(a:9)"}, "The weight 9 in the prompt is too large"),
        ("imagine", {"prompt": "half \ud800"}, "prompt contains an incomplete character"),
        ("scenes", {"script": "a" + " " * 50_000 + "b"}, "this text has 50,002 characters"),
        ("scenes", {"script": " |" * 30_000}, "The script has no scenes"),
        ("scenes", {"script": "\n".join(f"word{n}: x" for n in range(4900))}, "this text has"),
        ("scenes", {"script": [[["deep"]]] * 5000}, "script must be text"),
    ],
    ids=range(13),
)
async def test_hostile_words_are_refused(service: Service, command: str, raw: dict[str, Any], said: str) -> None:
    assert said in str((await expect_refusal(service, request(command, raw))).sentence)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("x.fountain", b"EXT. A\n\n" + b"[[" * 6000, "this text has 12,003 characters"),
        ("x.txt", b"a" + b" " * 16_000 + b"b", "this text has 16,002 characters"),
        ("x.toml", b"a=" + b"[" * 100_000, "The script has 100,002 characters"),
        ("x.toml", b"a=" + b"[" * 50_000, "nested too deeply"),
        ("x.toml", b"a=" + b"9" * 5000, "A number in the script is too long"),
        ("x.toml", b"a." * 25_000 + b"a=1", "nested too deeply"),
        ("x.txt", b"a" * 900_000, "The script file is larger than 240 kB"),
        ("x.txt", "привет".encode("cp1251"), "file uses an unknown text encoding"),
        ("x.txt", b"\xff\xfea", "file uses an unknown text encoding"),
        ("x.txt", "日本".encode("shift-jis") * 20, "Save the file as UTF-8"),
    ],
    ids=range(10),
)
async def test_hostile_files_are_refused(service: Service, name: str, data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "sent"
    path.write_bytes(data)
    attached = Attachment(name, size=len(data), path=path)
    assert said in str((await expect_refusal(service, request("scenes", {}, file=attached))).sentence)


@pytest.mark.parametrize("job", ["\ud800", "\0", "a" * 100_000, "a.\ud800", ""])
async def test_a_job_with_an_impossible_id_is_not_found(service: Service, job: str) -> None:
    for button in ("upscale", "delete", "yes"):
        press = parse_button(f"{button}:{job}", COMMANDS)
        asked = request(press.command, dict(press.raw_options), **press.files)
        assert (await expect_refusal(service, asked)).kind == "BadInput"


async def test_many_long_prompts_with_a_style_do_not_block_the_loop(service: Service) -> None:
    prompt = "{" + "|".join("abcdefghijkl") + "} " + "(a)" * 480
    with expect_no_block():
        async with aclosing(service.handle(request("imagine", {"prompt": prompt, "style": "oil"}))) as updates:
            assert [update async for update in updates]
