"""The references that bench/gpu.py compares with: plain diffusers, and a matrix product."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.lib.gpu_profile import profile
from bench.lib.report import say


def median_ms(run: Callable[[int], Any], times: int = 7) -> float:
    """Return the median milliseconds of `run`, which is called with the numbers from 0."""
    import torch

    spent = []
    for number in range(times):
        torch.cuda.synchronize()
        started = time.perf_counter()
        run(number)
        torch.cuda.synchronize()
        spent.append(1000 * (time.perf_counter() - started))
    return statistics.median(spent)


def ceiling() -> float:
    """Return the operations per second of an fp16 matrix product."""
    import torch

    a, b = (torch.randn(8192, 8192, device="cuda", dtype=torch.float16) for _ in range(2))
    product = torch.empty_like(a)
    torch.mm(a, b, out=product)
    return float(2 * 8192**3 * 10 / (median_ms(lambda _: [torch.mm(a, b, out=product) for _ in range(10)]) / 1000))


def plain(checkpoint: Path) -> "list[np.ndarray[Any, Any]]":
    """Measure diffusers as its documentation uses it, and return three of its pictures."""
    import torch
    from diffusers import StableDiffusionXLPipeline

    pipe = StableDiffusionXLPipeline.from_pretrained(checkpoint, dtype=torch.float16).to("cuda")
    pipe.set_progress_bar_config(disable=True)

    def draw(number: int) -> Any:
        generator = torch.Generator("cpu").manual_seed(number)
        return pipe(f"a cat {number}", num_inference_steps=4, guidance_scale=0, generator=generator).images[0]

    draw(0)
    say("plain diffusers, picture, ms", median_ms(draw))
    with tempfile.TemporaryDirectory() as name:
        say("plain diffusers, PNG on disk, ms", median_ms(lambda number: draw(number).save(f"{name}/a.png"), 3))
    profile("profile before, plain diffusers", lambda: draw(5))
    return [np.asarray(draw(number)) for number in range(3)]


def psnr(ours: Any, theirs: Any) -> float:
    """Return the similarity of two pictures in dB."""
    error = float(((ours.astype(float) - theirs.astype(float)) ** 2).mean())
    return 99.0 if error == 0 else 10 * float(np.log10(255**2 / error))
