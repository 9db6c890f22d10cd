"""Measure the owner's GPU: SDXL against plain diffusers, a queue, memory, upscaling, portraits and subtitles.

    scripts/bench gpu                    random weights of the real sizes
    python -m bench.gpu --model FOLDER   a checkpoint that diffusers can read, such as data/weights/sdxl
    python -m bench.gpu_queue            the queue alone

This prints a table and JSON. Everything that is compared is measured in one run. Shares are relative to the speed of
the GPU's own matrix product.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.gpu_queue import queue, small
from bench.lib import gpu_device
from bench.lib.gpu_peer import ceiling, median_ms, plain, psnr
from bench.lib.gpu_profile import profile
from bench.lib.report import add, figures, finish, say
from engine.core.settings import WorkerSettings
from engine.media import png
from engine.tasks.imagine.params import Params
from engine.tasks.imagine.sdxl.checkpoint import MAX_BATCH
from engine.tasks.imagine.sdxl.generator import SdxlGenerator
from engine.tasks.imagine.sdxl.prompt_cache import PromptPair
from engine.tasks.imagine.task import TASK
from engine.torch_support.offload import WeightOffloader
from engine.worker.context import Context
from engine.worker.model_pool import Pool

UNET_FLOPS, VAE_FLOPS = 6.76e12, 10.5e12
"""Operations of a UNet's call and of a decode at 1024 x 1024, counted with torch's own counter."""
BUDGET = 15_000_000_000
COMPILED = 300.0
"""Seconds that the compiler may take."""
OTHERS = {"whisper": 1.62e9, "faces": 0.6e9, "portrait": 0.55e9, "realesrgan": 0.034e9}
"""Bytes in fp16 of large-v3-turbo, of buffalo_l with inswapper, of LivePortrait's networks, and of x4plus."""


def context_of(folder: Path, pool: Pool, settings: WorkerSettings) -> Context:
    """Return a context for running a task in this process."""
    return Context("bench", folder, pool, TASK.choose(settings), lambda _: None)


def wait_for(painter: SdxlGenerator) -> float:
    """Wait until compilation is finished, and return the seconds."""
    started = time.monotonic()
    compiler = painter._fast._compiler
    while compiler and compiler.busy() and time.monotonic() - started < COMPILED:
        time.sleep(0.5)
    return time.monotonic() - started


def single(settings: WorkerSettings, pool: Pool, peer: "list[np.ndarray[Any, Any]]") -> SdxlGenerator:
    """Measure one picture after the other: cold, recorded, compiled."""
    context = context_of(settings.folder, pool, settings)
    run = TASK.run

    def draw(number: int, prompt: str = "a cat") -> Any:
        return run(Params(prompt=f"{prompt} {number}", seed=number), context)

    started = time.perf_counter()
    draw(1000)
    say("first picture after a cold start, s", time.perf_counter() - started, "loading included")
    started = time.perf_counter()
    draw(1001)
    say("second picture, ms", 1000 * (time.perf_counter() - started))
    painter: SdxlGenerator
    with pool.use("imagine") as painter:
        pass
    before = [painter.generate(Params(prompt=f"a cat {n}", seed=n), lambda *_: None).pictures[0] for n in range(3)]
    say("PSNR recorded against diffusers, dB", min(map(psnr, before, peer)))
    say("compiling in the background, s", wait_for(painter), "for 1 picture")
    draw(1002)
    say("picture, PNG on disk, ms", median_ms(draw, 15), "aim 160")
    say("picture, words that came before, ms", median_ms(lambda number: draw(number % 2), 7))
    profile("profile after, Atelier", lambda: draw(1003))
    after = [painter.generate(Params(prompt=f"a cat {n}", seed=n), lambda *_: None).pictures[0] for n in range(3)]
    say("PSNR compiled against diffusers, dB", min(map(psnr, after, peer)), "aim 40")
    say(
        "times plain diffusers' picture",
        figures["plain diffusers, picture, ms"] / figures["picture, PNG on disk, ms"],
        "aim 3.2",
    )
    return painter


def stages(painter: SdxlGenerator, picture: "np.ndarray[Any, Any]", most: float) -> None:
    """Print the time of each stage of a picture, and how close it comes to the matrix product."""
    import torch

    fast = painter._fast
    with torch.inference_mode():
        say("text, ms", median_ms(lambda number: painter._reader.read([PromptPair(f"new words {number}", "", False)])))
        for what, replayed, operations in (("UNet", fast._predict, UNET_FLOPS), ("decode", fast._decode, VAE_FLOPS)):
            for shape in sorted(replayed.calls):
                given = replayed.inputs(shape)
                if given:
                    spent = median_ms(partial(_call, replayed, given), 15)
                    share = shape[0][0] * operations / most / spent * 1000
                    say(f"{what} of {shape[0][0]}, ms", spent, f"floor share {share:.2f}")
    say("PNG, ms", median_ms(lambda _: png.encode(picture)))


def _call(function: Callable[..., Any], given: tuple[Any, ...], _turn: int) -> None:
    function(*given)


def together(settings: WorkerSettings, pool: Pool, painter: SdxlGenerator) -> None:
    """Measure batches of the sizes that the queue forms, in this process."""
    assert TASK.batch is not None
    contexts = [context_of(settings.folder, pool, settings) for _ in range(MAX_BATCH)]

    def draw(number: int) -> None:
        jobs = [Params(prompt=f"a dog {number} {place}", seed=place) for place in range(MAX_BATCH)]
        assert len(list(TASK.batch.run(jobs, contexts))) == MAX_BATCH  # type: ignore[union-attr]  # asserted above

    draw(-1)
    draw(-2)
    say("compiling for 4 pictures, s", wait_for(painter))
    draw(-3)
    say(f"batch of {MAX_BATCH}, pictures/s", 1000 * MAX_BATCH / median_ms(draw, 7))
    profile(f"profile of a batch of {MAX_BATCH}", lambda: draw(-4))


def memory(settings: WorkerSettings) -> None:
    """Use all models in turn within the budget: print which are loaded, how long loading takes again, and the peak."""
    import torch

    class Weights(WeightOffloader):
        """Stand in for another task's model of a given size."""

        def close(self) -> None:
            self._weights.clear()

        def __init__(self, size: float) -> None:
            super().__init__(
                [torch.nn.Linear(1024, int(size / 2048), False, device="cuda", dtype=torch.float16)], "cuda"
            )

    loaders: dict[str, Any] = {name: (lambda size=size: Weights(size)) for name, size in OTHERS.items()}
    load = TASK.load
    assert load is not None
    pool = Pool(9_000_000_000, {"imagine": lambda: load(settings), **loaders})
    context = context_of(settings.folder, pool, settings)
    curve = []
    for turn in range(3):
        for name in ("imagine", *OTHERS):
            torch.cuda.reset_peak_memory_stats()
            if name == "imagine":
                TASK.run(Params(prompt="a cat", seed=turn), context)
            else:
                with pool.use(name):
                    pass
            curve.append(
                (name, round(torch.cuda.memory_reserved() / 1e9, 2), round(torch.cuda.max_memory_reserved() / 1e9, 2))
            )
    say("peak with every model in turn, GB", max(peak for *_, peak in curve), "budget 15")
    figures["curve"] = curve
    pool.free()
    with pool.use("imagine") as painter:
        painter.offload()
        say("allocated while parked, GB", torch.cuda.memory_allocated() / 1e9)
        say("reserved while parked, GB", torch.cuda.memory_reserved() / 1e9)
        for turn in range(3):
            started = time.perf_counter()
            painter.onload()
            torch.cuda.synchronize()
            say(f"SDXL back on the device, s ({turn})", time.perf_counter() - started, "aim 0.5")
            painter.offload()
        painter.onload()
    for level in (1, 2):
        pool.memory_level = level
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        TASK.run(Params(prompt="a cat", seed=1), context)
        spent = median_ms(lambda number: TASK.run(Params(prompt="a cat", seed=number), context), 3)
        say(f"sparing at level {level}, ms", spent, f"peak {torch.cuda.max_memory_reserved() / 1e9:.2f} GB")
    pool.memory_level = 0
    pool.free()
    torch.cuda.empty_cache()
    say("reserved after all models left, GB", torch.cuda.memory_reserved() / 1e9)


def measure_process(settings: WorkerSettings, checkpoint: Path) -> None:
    """Measure one process on the GPU: a picture, a batch, its stages and memory."""
    import torch

    load = TASK.load
    assert load is not None
    most = ceiling()
    say("matrix product in fp16, TFLOP/s", most / 1e12)
    peer = plain(checkpoint)
    torch.cuda.empty_cache()
    pool = Pool(BUDGET, {"imagine": lambda: load(settings)})
    painter = single(settings, pool, peer)
    together(settings, pool, painter)
    stages(painter, peer[0], most)
    del painter
    pool.free()
    memory(settings)
    torch.cuda.empty_cache()


def main() -> None:
    """Measure all figures."""
    model = gpu_device.model_argument()
    if not gpu_device.has_gpu():
        return
    import torch

    say("card", torch.cuda.get_device_name())
    with gpu_device.studio(BUDGET, model) as settings:
        measure_process(settings, Path(settings.models["imagine"]))
        asyncio.run(queue(settings))
        asyncio.run(small(settings))
    for module in ("upscale_gpu", "animate_gpu", "subtitle"):
        add(module)
    finish()


if __name__ == "__main__":
    main()
