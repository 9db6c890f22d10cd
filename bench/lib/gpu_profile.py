"""Profile the GPU: how long it was busy, and with which kinds of kernels."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from bench.lib.report import say

MOST = 6
"""Kinds of kernels that are named."""


def profile(name: str, run: Callable[[], Any]) -> None:
    """Run `run`.

    Print and record the share of time in which the GPU was busy, and the kinds of kernels that took longest.
    """
    import torch
    from torch.profiler import ProfilerActivity

    torch.cuda.synchronize()
    with torch.profiler.profile(activities=[ProfilerActivity.CUDA]) as seen:
        run()
        torch.cuda.synchronize()
    kernels = [each for each in seen.events() or () if each.device_type == torch.autograd.DeviceType.CUDA]
    spans = sorted((each.time_range.start, each.time_range.end) for each in kernels)
    whole, busy = spans[-1][1] - spans[0][0], _covered(spans)
    say(f"{name}: busy of {whole / 1000:.0f} ms, share", busy / whole, f"{len(kernels)} kernels and copies")
    spent: Counter[str] = Counter()
    for each in kernels:
        spent[_kind(each.name)] += each.time_range.end - each.time_range.start
    for kind, time in spent.most_common(MOST):
        say(f"  {kind[:44]}, ms", time / 1000)


def _covered(spans: Iterable[tuple[float, float]]) -> float:
    """Length of the union of sorted spans."""
    covered, end = 0.0, float("-inf")
    for begin, stop in spans:
        covered += max(0.0, stop - max(begin, end))
        end = max(end, stop)
    return covered


def _kind(kernel: str) -> str:
    """By what a kernel's long name has in it."""
    kinds = {
        "attention": ("flash", "fmha", "sdpa", "attention"),
        "convolution": ("conv", "fprop", "cudnn", "implicit"),
        "matrix product": ("gemm", "cutlass", "cublas", "nvjet", "xmma", "splitk"),
        "Triton, fused": ("triton",),
        "copies": ("memcpy", "memset"),
        "normalisation": ("norm", "moments"),
        "elementwise": ("elementwise", "vectorized", "unrolled", "catarray", "copy"),
    }
    low = kernel.lower()
    return next((kind for kind, words in kinds.items() if any(word in low for word in words)), kernel)
