"""A worker process, seen from the bot: start it, exchange messages, and notice that it has died."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

import structlog

from engine.core.devices import VISIBLE_GPUS_VARIABLE
from engine.core.errors import EngineDied, UserMessage
from engine.core.job import Update, WireModel
from engine.core.log_stream import Stderr, escape
from engine.core.protocol import IdleReport, Ready, StartupFailed, encode_line, from_worker
from engine.core.settings import WorkerSettings

log = structlog.get_logger()

Message = Ready | IdleReport | Update

MAX_MESSAGE_BYTES = 16 * 2**20
"""Upper bound for the size of one message, and of one line of the log."""


class WorkerProcess:
    """A child process that runs `python -m engine`. End of file on its stdout means that it has died."""

    def __init__(self, process: Process) -> None:
        """Take over a process with pipes for stdin, stdout and stderr that leads its own session."""
        self._process = process
        self._hung = False
        self._killed = False
        self._last_log_line = ""
        self._logs = asyncio.create_task(self._forward_logs())

    @classmethod
    async def start(cls, settings: WorkerSettings) -> "WorkerProcess":
        """Start a worker with `settings`, which are the first line on its stdin. Raises OSError.

        CUDA shows the worker and its children no GPU but its own.
        """
        command = (sys.executable, "-m", "engine")
        visible = {VISIBLE_GPUS_VARIABLE: settings.gpu} if settings.gpu else {}
        worker = cls(
            await asyncio.create_subprocess_exec(
                *command,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                limit=MAX_MESSAGE_BYTES,
                start_new_session=True,
                env={**os.environ, **visible},
            )
        )
        worker.send(settings)
        return worker

    @property
    def pid(self) -> int:
        """Return the process id, which is also the id of the worker's session."""
        return self._process.pid

    def send(self, message: WireModel) -> None:
        """Send a message without waiting. Messages are short and read at once; those to a dead worker are lost."""
        stdin = self._process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(encode_line(message))

    @property
    def exited_cleanly(self) -> bool:
        """Return whether the worker has exited with code 0."""
        return self._process.returncode == 0

    async def receive(self) -> Message | None:
        """Return the next message, or None once the worker has died.

        Raises EngineDied if the worker cannot start or sends an unreadable message.
        """
        message = await self._read_message()
        if isinstance(message, StartupFailed):
            raise EngineDied.of(message.why)
        return message

    async def _read_message(self) -> Message | StartupFailed | None:
        """Return the next message, or None at the end of the output, where a dying worker may leave half a message."""
        assert self._process.stdout is not None
        try:
            text = await self._process.stdout.readline()
            return from_worker.validate_json(text) if text.endswith(b"\n") else None
        except ValueError as error:  # also raised for a line over MAX_MESSAGE_BYTES
            log.error("worker sent an unreadable message", why=str(error))  # noqa: TRY400  # a traceback adds nothing
            raise EngineDied(
                "The worker sent an unreadable message. If you have just updated Atelier, restart it."
            ) from None

    async def exit_reason(self) -> UserMessage:
        """Wait until the worker has died and return why, with its exit code or signal and its last log line."""
        code = await self._process.wait()
        self._kill_group()
        await self._logs
        line = _remove_paths(self._last_log_line)
        if self._hung:
            return UserMessage(template="The worker did not stop when its job was cancelled, so it was replaced.")
        if self._killed:
            return UserMessage(template="The worker did not respond in time, so it was stopped.")
        if code == -signal.SIGKILL:
            return UserMessage(template="The worker was killed, probably because the system ran out of memory.")
        name = signal.Signals(-code).name if code < 0 else code
        if not line:
            return UserMessage(template="The worker exited with code {code}.", facts={"code": name})
        return UserMessage(template="The worker exited with code {code}. {last}", facts={"code": name, "last": line})

    def kill_hung(self) -> None:
        """Kill a worker that no longer reacts. `exit_reason` then says that it hung."""
        self._hung = True
        self.kill()

    def kill(self) -> None:
        """Kill the worker, unless it has already exited, and what it has started, such as FFmpeg.

        asyncio reports the end of a process only once its pipes are closed, and a child may hold them open.
        """
        if self._process.returncode is None:
            self._killed = True
            self._kill_group()

    async def close(self, grace: float = 5.0) -> None:
        """Close the worker's stdin, which tells it to exit, and kill it if it has not done so after `grace` seconds."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(grace):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()
        self._kill_group()
        await self._logs

    def _kill_group(self) -> None:
        """Kill the worker, if it still runs, and what it has left running in its process group, such as FFmpeg."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    async def _forward_logs(self) -> None:
        """Copy the worker's stderr to ours, with unprintable characters escaped."""
        assert self._process.stderr is not None
        stderr = Stderr()
        while True:
            with suppress(ValueError):  # a line over MAX_MESSAGE_BYTES, which nobody would read
                text = await self._process.stderr.readline()
                if not text:
                    return
                line = text.decode(errors="replace").rstrip()
                self._last_log_line = line
                stderr.write(escape(line) + "\n")


def _remove_paths(text: str) -> str:
    """Replace each absolute path with an ellipsis, and cut the text after 200 characters."""
    return re.sub(r"(/[^\s'\":]+)+", "…", text)[:200]
