"""What torch's compiler needs here, and a process of its own to compile in.

A compiler in the worker fights its work for Python's lock, and each kernel that it tries waits for all that the card
was told to do: under load it takes many minutes. What another process compiled, the worker finds on disk.
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
"""Compute capability that Triton needs."""
MIN_FREE_BYTES = 4 * 10**9
"""Bytes of the card that have to be free for another process."""
NICENESS = 10
"""Other work goes before compiling on the host's processors too."""

Work = TypeVar("Work", bound=BaseModel)


def can_compile(device: str) -> bool:
    """Whether Triton, a C compiler and a card that Triton knows are here."""
    import torch

    if not device.startswith("cuda") or find_spec("triton") is None:
        return False
    compilers = (os.environ.get("CC"), "cc", "gcc", "clang")
    return (
        any(name and shutil.which(name) for name in compilers)
        and torch.cuda.get_device_capability(device) >= MIN_COMPUTE_CAPABILITY
    )


def prepare_compiler(folder: Path) -> None:
    """Have the compiler keep its work in `folder`, for the next start, and stay out of the way of other threads.

    Inductor names what it keeps by code, shapes, torch and card.
    """
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder / "compiled"))
    keep_tracing_to_its_thread()


def has_room(device: Any) -> bool:
    """Whether another process finds room on `device`, a torch.device."""
    import torch

    return device.type != "cuda" or bool(torch.cuda.mem_get_info(device)[0] >= MIN_FREE_BYTES)


def run_in_subprocess(module: str, work: BaseModel) -> int:
    """The code that `python -m module` ends with, which takes `work` by `read_request`. It ends with this process
    too.
    """
    command = [sys.executable, "-m", module]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=sys.stderr) as process:
        assert process.stdin is not None
        process.stdin.write(work.model_dump_json().encode() + b"\n")
        process.stdin.flush()
        return process.wait()


def read_request(kind: type[Work]) -> Work:
    """In the other process: what it is to do."""
    os.nice(NICENESS)
    work = kind.model_validate_json(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_the_worker, daemon=True).start()
    return work


def exit_now() -> None:
    """In the other process, at its end."""
    sys.stdout.flush()
    os._exit(0)  # the thread still reads


def _end_with_the_worker() -> None:
    sys.stdin.buffer.read()
    os._exit(1)
