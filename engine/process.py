"""One worker process as the bot holds it: start, talk, notice that it died."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress

from engine.errors import EngineDied, Sentence
from engine.job import Update, Value
from engine.wire import Held, Ready, Unfit, from_worker, line

Message = Ready | Held | Unfit | Update

LONGEST_LINE = 16 * 2**20
"""Bytes that one message may have."""


class WorkerProcess:
    """A child that runs `python -m engine`. EOF on its stdout means that it died."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._last_words: deque[str] = deque(maxlen=1)
        self._logs = asyncio.create_task(self._forward_logs())

    @classmethod
    async def start(cls, arguments: Sequence[str]) -> "WorkerProcess":
        command = (sys.executable, "-m", "engine", *arguments)
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=LONGEST_LINE, start_new_session=True
        )
        return cls(process)

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: Value) -> None:
        """Lines are short and read at once, so the pipe is never full for long. What a dead worker is sent is lost."""
        stdin = self._process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(line(message))

    @property
    def well(self) -> bool:
        """Whether it ended by its own will."""
        return self._process.returncode == 0

    async def messages(self) -> AsyncGenerator[Message, None]:
        """Until the worker dies. Raises EngineDied with its reason if it said that it is unfit."""
        assert self._process.stdout is not None
        async for text in self._process.stdout:
            if not text.endswith(b"\n"):
                return
            message = from_worker.validate_json(text)
            if isinstance(message, Unfit):
                raise EngineDied(message.why.template, **message.why.facts)
            yield message

    async def why(self) -> Sentence:
        """Why a dead worker died, fit to show: its exit code and the last line of its log without paths."""
        code = await self._process.wait()
        self._sweep()
        await self._logs
        last = _without_paths(self._last_words[0]) if self._last_words else ""
        return Sentence(template="The worker ended with code {code}. {last}", facts={"code": code, "last": last})

    def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()

    async def close(self, grace: float = 5.0) -> None:
        """End its stdin, which tells it to stop; kill it if it has not after `grace` seconds."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(grace):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()
        self._sweep()
        await self._logs

    def _sweep(self) -> None:
        """End what a dead worker left at work in its session, such as an FFmpeg."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    async def _forward_logs(self) -> None:
        assert self._process.stderr is not None
        async for text in self._process.stderr:
            words = text.decode(errors="replace").rstrip()
            sys.stderr.write(words + "\n")
            self._last_words.append(words)


def _without_paths(text: str) -> str:
    return re.sub(r"(/[^\s'\":]+)+", "…", text)[:200]
