"""Compiles a network's parts in the background while pictures are enlarged as before."""

import threading
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from pydantic import BaseModel

from engine.torch_support.compilation import exit_now, has_room, read_request, run_in_subprocess
from engine.torch_support.cuda import side_stream

if TYPE_CHECKING:
    from engine.tasks.upscale.realesrgan.rrdb_blocks import Part, Tensor

log = structlog.get_logger()

SAMPLE = (40, 56)
"""Height and width in pixels of a part's first input. They differ because torch assumes equal sizes stay equal."""

Extent = tuple[int, ...]


class Work(BaseModel):
    """Shapes of the kernels and biases of a residual block, and of the last layers' weights."""

    device: str
    dtype: str
    kernels: list[Extent]
    biases: list[Extent]
    ends: list[Extent]


class Compilable(Protocol):
    """A network whose parts can be replaced by compiled ones while it runs."""

    @property
    def weights(self) -> "tuple[list[Tensor], list[Tensor], list[Tensor]]":
        """Return the kernels and biases of a residual block, and the weights of the last layers."""

    def take(self, residual: "Part", grow: "Part") -> None:
        """Use these functions from the next step on."""


def compile_in_background(dense: Compilable) -> threading.Thread:
    """Compile and have `dense` use the result as soon as it is ready. A failure only costs speed and is logged."""
    thread = threading.Thread(target=_compile, args=(dense,), daemon=True)
    thread.start()
    return thread


def _compile(dense: Compilable) -> None:
    try:
        kernels, biases, ends = dense.weights
        if has_room(kernels[0].device) and (code := run_in_subprocess(__spec__.name, describe_work(dense))):
            log.warning("not compiled ahead", network="Real-ESRGAN", code=code)
        dense.take(*parts(kernels, biases, ends))
        log.info("compiled", network="Real-ESRGAN")
    except Exception as error:  # noqa: BLE001  # what is not compiled goes on serving
        log.warning("not compiled", network="Real-ESRGAN", why=f"{type(error).__name__}: {error}"[:500])


def describe_work(dense: Compilable) -> Work:
    """Return all that another process needs to compile the network."""
    kernels, biases, ends = ([tuple(each.shape) for each in group] for group in dense.weights)
    like = dense.weights[0][0]
    dtype = str(like.dtype).removeprefix("torch.")
    return Work(device=str(like.device), dtype=dtype, kernels=kernels, biases=biases, ends=ends)


def parts(kernels: "list[Tensor]", biases: "list[Tensor]", ends: "list[Tensor]") -> "tuple[Part, Part]":
    """Return `residual` and `grow`, compiled for pictures of any size by calling each once."""
    import torch

    from engine.tasks.upscale.realesrgan.rrdb_blocks import FEATURES, grow, residual

    made = torch.compile(residual), torch.compile(grow)
    for part, weights in zip(made, ((kernels, biases), (ends,)), strict=True):
        with torch.inference_mode(), side_stream(kernels[0].device):
            x = torch.zeros((1, FEATURES, *SAMPLE), device=kernels[0].device, dtype=kernels[0].dtype)
            part(_of_any_size(x.contiguous(memory_format=torch.channels_last)), *weights)
    return made


def _of_any_size(x: Any) -> Any:
    from torch._dynamo import maybe_mark_dynamic

    maybe_mark_dynamic(x, 2)
    maybe_mark_dynamic(x, 3)
    return x


def main() -> None:
    """Read one line of `Work` from stdin and compile it with zero weights."""
    import torch

    work = read_request(Work)
    kind = {"device": work.device, "dtype": getattr(torch, work.dtype)}
    kernels, biases, ends = (
        [torch.zeros(shape, **kind).contiguous(memory_format=_layout(shape)) for shape in group]
        for group in (work.kernels, work.biases, work.ends)
    )
    parts(kernels, biases, ends)
    log.info("compiled ahead", network="Real-ESRGAN")
    exit_now()


def _layout(shape: Extent) -> Any:
    import torch

    return torch.channels_last if len(shape) == 4 else torch.contiguous_format


if __name__ == "__main__":
    main()
