"""`python -m engine`: one worker, JSON lines on stdin and stdout, logs on stderr.

`python -m engine weights` lists the weights and fetches them.
"""

import argparse
import os
import sys
import threading
from pathlib import Path
from typing import BinaryIO, TextIO, cast

import structlog

from engine.core.devices import hide_other_gpus
from engine.core.errors import AtelierError
from engine.core.job import WireModel
from engine.core.log_stream import Stderr
from engine.core.protocol import StartupFailed, encode_line
from engine.core.task import EngineSettings
from engine.media.decoding import set_max_pixels


def main(arguments: list[str]) -> int:
    """Serve until stdin ends. Returns the process's exit code."""
    if arguments[:1] == ["weights"]:
        from engine.weights.cli import main as weights

        return weights(arguments[1:])
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # as the driver counts, and nvidia-smi
    wire = _take_stdout()
    _log_to_stderr()
    given = _parse_arguments(arguments)
    set_max_pixels(given.max_pixels)
    return _serve(given, wire)


def _log_to_stderr() -> None:
    """A traceback without local variables, among which are people's words and whole pictures."""
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    processors = [*structlog.get_config()["processors"][:-1], plain]
    structlog.configure(processors=processors, logger_factory=structlog.PrintLoggerFactory(cast("TextIO", Stderr())))


def _take_stdout() -> BinaryIO:
    """The wire's own descriptor: fd 1 is pointed at stderr, so that a library that prints cannot break the wire."""
    wire = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return wire


def _serve(given: argparse.Namespace, wire: BinaryIO) -> int:
    from engine.tasks.registry import TASKS
    from engine.worker.loop import Worker, exit_now

    lock = threading.Lock()

    def send(message: WireModel) -> None:
        with lock:
            wire.write(encode_line(message))
            wire.flush()

    tasks = {name: TASKS[name] for name in given.task or TASKS}
    try:
        worker = Worker(tasks, _settings(given, hide_other_gpus(given.device, os.environ)), send, given.device)
    except AtelierError as error:
        send(StartupFailed(why=error.sentence))
        return 1
    worker.serve(sys.stdin.buffer)
    return exit_now(0)  # at once, whatever libraries and the thread that reads still do


def _parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m engine", description="One worker of Atelier's engine.")
    parser.add_argument("--device", default="cpu", help="cpu or cuda:N")
    parser.add_argument("--folder", type=Path, default=Path("data"), help="where media, previews and weights lie")
    parser.add_argument("--memory", type=int, default=15_000_000_000, help="bytes that models may take")
    parser.add_argument("--idle", type=float, default=600.0, help="seconds after which an unused model leaves")
    parser.add_argument("--max-pixels", type=int, default=50_000_000, help="pixels of a picture or a frame")
    parser.add_argument("--model", action="append", default=[], metavar="TASK=NAME", help="imagine=pocket")
    parser.add_argument("--task", action="append", default=[], metavar="TASK", help="only this one; may stand twice")
    parser.add_argument("--accept-noncommercial-weights", action="store_true", help="also such for research alone")
    return parser.parse_args(arguments)


def _settings(given: argparse.Namespace, device: str) -> EngineSettings:
    models = dict(pair.split("=", 1) for pair in given.model)
    accepted = given.accept_noncommercial_weights
    return EngineSettings(device, given.folder, given.memory, models, given.idle, noncommercial=accepted)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
