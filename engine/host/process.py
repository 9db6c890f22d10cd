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

import structlog

from engine.core.errors import EngineDied, UserMessage
from engine.core.job import Update, WireModel
from engine.core.log_stream import Stderr, escape
from engine.core.protocol import IdleReport, Ready, StartupFailed, encode_line, from_worker

log = structlog.get_logger()

Message = Ready | IdleReport | Update

MAX_MESSAGE_BYTES = 16 * 2**20
"""Bytes that one message may have."""


class WorkerProcess:
    """A child that runs `python -m engine`. EOF on its stdout means that it died."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._hung = False
        self._given_up = False
        self._last_words: deque[str] = deque(maxlen=1)
        self._logs = asyncio.create_task(self._forward_logs())

    @classmethod
    async def start(cls, arguments: Sequence[str]) -> "WorkerProcess":
        command = (sys.executable, "-m", "engine", *arguments)
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=MAX_MESSAGE_BYTES, start_new_session=True
        )
        return cls(process)

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: WireModel) -> None:
        """Lines are short and read at once, so the pipe is never full for long. What a dead worker is sent is lost."""
        stdin = self._process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(encode_line(message))

    @property
    def exited_cleanly(self) -> bool:
        """Whether it ended by its own will."""
        return self._process.returncode == 0

    async def messages(self) -> AsyncGenerator[Message, None]:
        """Until the worker dies. Raises EngineDied with its reason if it said that it is unfit, or nothing sensible."""
        while (message := await self._message()) is not None:
            if isinstance(message, StartupFailed):
                raise EngineDied(message.why.template, **message.why.facts)
            yield message

    async def _message(self) -> Message | StartupFailed | None:
        """The next; None at the end, where a dying worker may have left a part of one."""
        assert self._process.stdout is not None
        try:
            text = await self._process.stdout.readline()
            return from_worker.validate_json(text) if text.endswith(b"\n") else None
        except ValueError as error:  # also of a line over LONGEST_LINE
            log.error("a worker said what cannot be read", why=str(error))  # noqa: TRY400  # its traceback says no more
            raise EngineDied(
                "The worker said what cannot be read. If the studio was updated, start it again."
            ) from None

    async def exit_reason(self) -> UserMessage:
        """Why a dead worker died, fit to show: its exit code or signal, and the last line of its log without paths."""
        code = await self._process.wait()
        self._kill_children()
        await self._logs
        last = _without_paths(self._last_words[0]) if self._last_words else ""
        if self._hung:
            return UserMessage(template="The worker did not stop when its job was ended, and was replaced.")
        if self._given_up:
            return UserMessage(template="The worker did not answer in time and was ended.")
        if code == -signal.SIGKILL:
            return UserMessage(template="The worker was killed, as systems do where memory runs out.")
        named = signal.Signals(-code).name if code < 0 else code
        if not last:
            return UserMessage(template="The worker ended with code {code}.", facts={"code": named})
        return UserMessage(template="The worker ended with code {code}. {last}", facts={"code": named, "last": last})

    def kill_hung(self) -> None:
        """Kill it, and know later why it died."""
        self._hung = True
        self.kill()

    def kill(self) -> None:
        """Give up a worker that does not do what it should."""
        if self._process.returncode is None:
            self._given_up = True
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
        self._kill_children()
        await self._logs

    def _kill_children(self) -> None:
        """End what a dead worker left at work in its session, such as an FFmpeg."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    async def _forward_logs(self) -> None:
        assert self._process.stderr is not None
        stderr = Stderr()
        while True:
            with suppress(ValueError):  # a line over LONGEST_LINE, which no person reads
                text = await self._process.stderr.readline()
                if not text:
                    return
                words = text.decode(errors="replace").rstrip()
                self._last_words.append(words)
                stderr.write(escape(words) + "\n")


def _without_paths(text: str) -> str:
    return re.sub(r"(/[^\s'\":]+)+", "…", text)[:200]
