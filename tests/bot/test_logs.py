"""The log of the whole program: values from outside cannot start a line or send control codes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.core.log_stream import escape
from tests.timing import HANG_SECONDS

ROOT = Path(__file__).parents[2]
HOSTILE = "a\x1b[31m\n12:00:00 [info     ] forged\r\x07\x9b\u202eb\u2028\ud800"


def run_and_read_log(program: str) -> str:
    """Run a program that configures its log, and return what it writes to stderr."""
    code = f"import logging, structlog\nfrom bot import logs\nlogs.configure()\nHOSTILE = {HOSTILE!r}\n{program}"
    command = [sys.executable, "-c", code]
    ended = subprocess.run(
        command,
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        timeout=HANG_SECONDS,
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
        "structlog.get_logger().info('x', why='\\x1b[31m\\n' + HOSTILE.replace(' ', '') * 40 + 'a' * 900 + ' ')",
        "structlog.get_logger().info('x', why=[HOSTILE])",
        "class Odd:\n    def __repr__(self): return HOSTILE\nstructlog.get_logger().info('x', why=Odd())",
    ],
)
def test_a_hostile_value_is_escaped_on_one_line(program: str) -> None:
    said = run_and_read_log(program)
    assert said.count("\n") == 1
    assert "a\\x1b[31m" in said.replace("\\\\", "\\")
    assert said.rstrip("\n").isprintable()


@pytest.mark.parametrize(
    "log", ["structlog.get_logger().exception('failed')", "logging.getLogger('x').exception('failed')"]
)
def test_an_exception_message_cannot_begin_a_line(log: str) -> None:
    said = run_and_read_log(f"try:\n    raise ValueError(HOSTILE)\nexcept ValueError:\n    {log}\n")
    first, *lines = said.rstrip("\n").split("\n")
    assert "failed" in first
    assert lines
    assert all(line.startswith("  ") and line.isprintable() for line in lines)


@pytest.mark.parametrize(
    "program",
    ["structlog.get_logger().info('refused', why='x' * 10**6)", "logging.getLogger('x').warning('x' * 10**6)"],
)
def test_a_long_value_is_cut(program: str) -> None:
    assert len(run_and_read_log(program)) < 1200


def test_plain_text_in_any_language_is_unchanged() -> None:
    for words in ("Añade una canción", "ジョブ", "😀 done", ""):
        assert escape(words) == words
