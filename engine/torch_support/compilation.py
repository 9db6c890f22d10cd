"""Prepare torch's compiler, and run it in a separate process.

A compiler inside the worker competes for Python's global lock, and each kernel that it tries waits for the work queued
on the GPU, so under load it takes many minutes. The worker finds what another process compiled on disk.
"""

import os
import shutil
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from engine.torch_support.thread_safe_tracing import keep_tracing_to_its_thread

MIN_COMPUTE_CAPABILITY = (7, 0)
"""Compute capability that Triton requires."""
MIN_FREE_BYTES = 4 * 10**9
"""GPU memory that must be free before another process is started."""
NICENESS = 10
"""CPU niceness of the compiling process, so that other work goes first."""

Work = TypeVar("Work", bound=BaseModel)


def can_compile(device: str) -> bool:
    """Return whether Triton and a C compiler are installed and Triton supports the `device`."""
    import torch

    if not device.startswith("cuda") or find_spec("triton") is None:
        return False
    compilers = (os.environ.get("CC"), "cc", "gcc", "clang")
    return (
        any(name and shutil.which(name) for name in compilers)
        and torch.cuda.get_device_capability(device) >= MIN_COMPUTE_CAPABILITY
    )


def prepare_compiler(folder: Path) -> None:
    """Make the compiler keep its results in `folder` across restarts, and keep its tracing to one thread.

    Inductor keys its results by code, shapes, torch version and GPU.
    """
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder / "compiled"))
    keep_tracing_to_its_thread()


def has_room(device: Any) -> bool:
    """Return whether `device`, a torch.device, has enough free memory for another process."""
    import torch

    return device.type != "cuda" or bool(torch.cuda.mem_get_info(device)[0] >= MIN_FREE_BYTES)


def run_in_subprocess(module: str, work: BaseModel) -> int:
    """Run `python -m module` to its end and return its exit status.

    The module receives `work` through `read_request`. It exits early if this process dies.
    """
    command = [sys.executable, "-m", module]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=sys.stderr) as process:
        assert process.stdin is not None
        process.stdin.write(work.model_dump_json().encode() + b"\n")
        process.stdin.flush()
        return process.wait()


def read_request(kind: type[Work]) -> Work:
    """Return the work that `run_in_subprocess` sent. Call this in the subprocess."""
    os.nice(NICENESS)
    work = kind.model_validate_json(sys.stdin.buffer.readline())
    threading.Thread(target=_exit_with_worker, daemon=True).start()
    return work


def exit_now() -> None:
    """End the subprocess successfully, without waiting for the thread that reads its standard input."""
    sys.stdout.flush()
    os._exit(0)


def _exit_with_worker() -> None:
    """Exit when the worker closes the pipe, which happens at the latest when it dies."""
    sys.stdin.buffer.read()
    os._exit(1)
