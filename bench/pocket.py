"""Measure how long pocket takes to read, draw and enlarge on two cores, compared with ONNX Runtime alone and torch.

This prints medians and memory. Goals: 128x128 in 10 steps under 700 ms, and enlarging four times in 30 to 50 ms.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from itertools import count

import numpy as np
import psutil

from engine.tasks.imagine.pocket.pocket import Pocket
from engine.tasks.upscale.realesrgan.embedded import Upscaler
from engine.weights import registry

THREADS = 2
TURNS = 7


def median(work: Callable[[], object]) -> float:
    """Return the median milliseconds of `work`, after one warm-up run."""
    took = []
    for _ in range(TURNS + 1):
        started = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - started))
    return statistics.median(took[1:])


def show(what: str, value: float, unit: str = "ms") -> None:
    """Print one figure."""
    print(f"{what:<48}{value:10.1f} {unit}")


def bare(pocket: Pocket) -> Callable[[], object]:
    """Return a function that runs one guided step, as two texts in one call of ONNX Runtime."""
    size = pocket.size
    fed = {
        "z": np.random.default_rng(0).standard_normal((2, 3, size, size), np.float32),
        "t": np.full(2, 0.5, np.float32),
        "ctx": np.zeros((2, 5, 384), np.float32),
        "mask": np.ones((2, 5), bool),
    }
    session = pocket._network._session  # the floor is what is inside
    return lambda: session.run(None, fed)


def torch_step() -> Callable[[], object]:
    """Return a function that runs the same step in torch, fp32, with random weights."""
    import torch

    from training.pocket.network import Pocket as Network

    torch.set_num_threads(THREADS)
    network = Network().eval().requires_grad_(False).to(memory_format=torch.channels_last)
    fed = torch.randn(2, 3, 128, 128), torch.rand(2), torch.zeros(2, 5, 384), torch.ones(2, 5).bool()
    return lambda: network(*fed)


def main() -> None:
    """Measure and print all figures."""
    before = psutil.Process().memory_info().rss
    pocket, upscaler = Pocket(registry.FOLDER, THREADS), Upscaler(registry.FOLDER, THREADS)
    picture = pocket.draw("a red apple", seed=1)[0]
    upscaler.enlarge(picture)
    after = psutil.Process().memory_info().rss
    numbers = count()
    show("read a prompt not read before", median(lambda: pocket.unread(f"a red apple number {next(numbers)}")))
    show("one guided step, bare ONNX Runtime", median(bare(pocket)))
    for steps in (8, 10, 12):
        took = median(partial(pocket.draw, "a red apple", seed=1, steps=steps))
        show(f"draw in {steps} steps ({took / steps:.1f} a step)", took)
    show("draw 4 in 10 steps, each", median(lambda: pocket.draw("a red apple", seed=1, count=4)) / 4)
    show("enlarge four times", median(lambda: upscaler.enlarge(picture)))
    if find_spec("torch") is None:
        print("one guided step, torch fp32: not measured, since torch is not installed (scripts/setup --full)")
    else:
        show("one guided step, torch fp32", median(torch_step()))
    show("resident memory of a process that drew", after / 1e6, "MB")
    show("of which before loading", before / 1e6, "MB")


if __name__ == "__main__":
    main()
