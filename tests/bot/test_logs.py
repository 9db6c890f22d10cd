"""The log of the whole program: what comes from outside stays on its line, and in its place."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.core.log_stream import escape

ROOT = Path(__file__).parents[2]
HOSTILE = "a\x1b[31m\n12:00:00 [info     ] forged\r\x07\x9b\u202eb\u2028\ud800"


def logged(program: str) -> str:
    """What a program of its own writes to stderr once it has configured its log."""
    code = f"import logging, structlog\nfrom bot import logs\nlogs.configure()\nHOSTILE = {HOSTILE!r}\n{program}"
    command = [sys.executable, "-c", code]
    ended = subprocess.run(
        command, check=True, cwd=ROOT, env={**os.environ, "PYTHONIOENCODING": "utf-8"}, capture_output=True, timeout=60
    )
    return ended.stderr.decode()


@pytest.mark.parametrize(
    "program",
    [
        "structlog.get_logger().info(HOSTILE)",
        "structlog.get_logger().info('refused', why=HOSTILE)",
        "structlog.contextvars.bind_contextvars(user=HOSTILE)\nstructlog.get_logger().info('refused')",
        "logging.getLogger('x').warning(HOSTILE)",
        "logging.getLogger('x').warning('%s', HOSTILE)",
        "import warnings\nwarnings.warn(HOSTILE)",
        "structlog.get_logger().info('x', why=HOSTILE.replace(' ', '').replace('\\n', '').replace('\\r', ''))",
        "structlog.get_logger().info('x', why=[HOSTILE])",
        "class Odd:\n    def __repr__(self): return HOSTILE\nstructlog.get_logger().info('x', why=Odd())",
    ],
)
def test_a_hostile_value_is_escaped_on_its_line(program: str) -> None:
    said = logged(program)
    assert said.count("\n") == 1
    assert "a\\x1b[31m" in said.replace("\\\\", "\\")
    assert said.rstrip("\n").isprintable()


@pytest.mark.parametrize(
    "log", ["structlog.get_logger().exception('failed')", "logging.getLogger('x').exception('failed')"]
)
def test_an_exceptions_words_begin_no_line(log: str) -> None:
    said = logged(f"try:\n    raise ValueError(HOSTILE)\nexcept ValueError:\n    {log}\n")
    first, *lines = said.rstrip("\n").split("\n")
    assert "failed" in first
    assert lines
    assert all(line.startswith("  ") and line.isprintable() for line in lines)


@pytest.mark.parametrize(
    "program",
    ["structlog.get_logger().info('refused', why='x' * 10**6)", "logging.getLogger('x').warning('x' * 10**6)"],
)
def test_a_long_value_is_cut(program: str) -> None:
    assert len(logged(program)) < 1200


def test_plain_words_of_any_language_stay() -> None:
    for words in ("Añade una canción", "ジョブ", "😀 done", ""):
        assert escape(words) == words
