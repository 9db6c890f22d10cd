"""`python -m engine`: one worker, with JSON lines on stdin and stdout and logs on stderr.

Without arguments the first line of stdin holds the settings, as the bot sends them. The options are for use by hand.
`python -m engine weights` lists and fetches weights.
"""

import argparse
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

import structlog
from pydantic import ValidationError

from engine.core.devices import hide_other_gpus
from engine.core.errors import AtelierError, UserMessage
from engine.core.job import WireModel
from engine.core.log_stream import Stderr
from engine.core.protocol import StartupFailed, encode_line
from engine.core.settings import WorkerSettings
from engine.media.decoding import set_max_pixels

INVALID_SETTINGS = UserMessage(
    template="The worker's settings are not valid. If you have just updated Atelier, restart it."
)


def main(arguments: list[str]) -> int:
    """Serve until stdin ends, and return the process's exit code."""
    if arguments[:1] == ["weights"]:
        from engine.weights.cli import main as weights

        return weights(arguments[1:])
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # number the GPUs as the driver and nvidia-smi do
    given = _parse_arguments(arguments) if arguments else None
    wire = _take_stdout()
    _log_to_stderr()
    send = _sender(wire)
    try:
        line = sys.stdin.buffer.readline() if given is None else b""
        settings = WorkerSettings.model_validate_json(line) if given is None else _settings_by_hand(given)
    except ValidationError as error:
        structlog.get_logger().error("the settings are not valid", why=str(error))
        send(StartupFailed(why=INVALID_SETTINGS))
        return 2
    set_max_pixels(settings.max_pixels)
    return _serve(settings, send)


def _log_to_stderr() -> None:
    """Configure logging without local variables in tracebacks, because these hold users' words and pictures."""
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    processors = [*structlog.get_config()["processors"][:-1], plain]
    structlog.configure(processors=processors, logger_factory=structlog.PrintLoggerFactory(cast("TextIO", Stderr())))


def _take_stdout() -> BinaryIO:
    """Return the stdout to send messages on, and redirect fd 1 to stderr so that prints cannot mix with messages."""
    wire = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return wire


def _sender(wire: BinaryIO) -> Callable[[WireModel], None]:
    """Return a function, safe to call from any thread, that writes a message to `wire`."""
    lock = threading.Lock()

    def send(message: WireModel) -> None:
        """Write one message and flush it."""
        with lock:
            wire.write(encode_line(message))
            wire.flush()

    return send


def _serve(settings: WorkerSettings, send: Callable[[WireModel], None]) -> int:
    from engine.tasks.registry import TASKS
    from engine.worker.loop import Worker, exit_now

    tasks = {name: TASKS[name] for name in settings.tasks or TASKS}
    try:
        visible = hide_other_gpus(settings.device, os.environ, settings.gpu)
        worker = Worker(tasks, settings.model_copy(update={"device": visible}), send, settings.device)
    except AtelierError as error:
        send(StartupFailed(why=error.sentence))
        return 1
    worker.serve(sys.stdin.buffer)
    return exit_now(0)  # do not wait for libraries' threads, nor for the thread that reads stdin


def _parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m engine", description="Run one worker of Atelier's engine by hand.")
    parser.add_argument("--settings", metavar="JSON", default="{}", help="any settings, as one JSON object")
    parser.add_argument("--device", help="cpu or cuda:N")
    parser.add_argument("--folder", type=Path, help="data folder for media, previews and weights")
    parser.add_argument("--model", action="append", metavar="TASK=NAME", help="a task's model, such as imagine=pocket")
    parser.add_argument("--task", action="append", dest="tasks", help="run only this task; may be repeated")
    return parser.parse_args(arguments)


def _settings_by_hand(given: argparse.Namespace) -> WorkerSettings:
    """Return the settings of `--settings`, overridden by the other options. Raises ValidationError."""
    base = WorkerSettings.model_validate_json(given.settings)
    options: dict[str, Any] = {name: getattr(given, name) for name in ("device", "folder", "tasks")}
    if given.model:
        options["models"] = {**base.models, **dict(pair.split("=", 1) for pair in given.model)}
    chosen = {name: value for name, value in options.items() if value is not None}
    return WorkerSettings.model_validate({**base.model_dump(), **chosen})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
