"""Measure a clip by LTX-Video with a limit of 15 GB: seconds, ms per step and peak GB, against plain diffusers.

    python -m bench.film_gpu

This uses LTX-Video 0.9.5 in its real sizes with random weights (it first writes 15 GB), bf16, 5.1 s of 704 x 480 at 30
frames per second (153 frames) and 20 steps with guidance (the product uses 40: STEPS=40), after a warm-up clip of 2
steps. Our side loads its parts in turn, as a worker does, within 15 GB. The peer is diffusers' own call, with
`enable_model_cpu_offload` and with everything on the GPU without a limit.
"""

import gc
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from bench.lib import random_ltx
from engine.core.settings import WorkerSettings
from engine.tasks.text_to_video.ltx import generator
from engine.tasks.text_to_video.ltx.generator import NEGATIVE_PROMPT, LtxVideoGenerator, Part

SIZE, FRAMES, SEED = (704, 480), 153, 7
STEPS = int(os.environ.get("STEPS", "20"))
CAP = 15_000_000_000
PROMPT = "a ship comes home at dusk"


class Clock:
    """Measures the seconds of each step from progress reports."""

    def __init__(self) -> None:
        self.shares: dict[float, float] = {}

    def __call__(self, share: float) -> None:
        self.shares.setdefault(round(share, 6), time.perf_counter())

    @property
    def step(self) -> float:
        """Return the median milliseconds of a step, without the first ones, in which the CPU runs ahead of the GPU."""
        times = list(self.shares.values())[4:]
        return 1000 * statistics.median(after - before for before, after in pairwise(times))


def measure(run: Callable[[], Any]) -> tuple[float, float, Any]:
    """Run `work`, and return its seconds, its peak gigabytes and its result."""
    import torch

    generator.STEPS = 2
    run()
    generator.STEPS = STEPS
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    begun = time.perf_counter()
    made = run()
    torch.cuda.synchronize()
    return time.perf_counter() - begun, torch.cuda.max_memory_reserved() / 1e9, made


def ours(checkpoint: Path, begun: Any) -> Any:
    """Make the clip with our generator, and print its figures."""
    settings = WorkerSettings(device="cuda:0", folder=checkpoint.parent, memory=CAP, models={"video": str(checkpoint)})
    loading = time.perf_counter()
    made = LtxVideoGenerator(settings)
    print(f"loaded in {time.perf_counter() - loading:.1f} s")
    kept = None
    for name, picture in (("words", None), ("a picture", begun)):
        clocks: list[Clock] = []

        def run(picture: Any = picture, clocks: list[Clock] = clocks) -> Any:
            clocks.append(Clock())
            return made.part(Part(PROMPT, SIZE, FRAMES, SEED, picture), clocks[-1])

        seconds, peak, frames = measure(run)
        print(f"  {'ours, from ' + name:36}{seconds:8.1f} s{clocks[-1].step:9.0f} ms a step{peak:8.2f} GB", flush=True)
        kept = frames if kept is None else kept
    made.set_memory_level(2)
    seconds, peak, _ = measure(lambda: made.part(Part(PROMPT, SIZE, FRAMES, SEED), lambda _: None))
    print(f"  {'ours, sparing at level 2':36}{seconds:8.1f} s{'':18}{peak:8.2f} GB", flush=True)
    made.close()
    return np.asarray(kept)


def peer(checkpoint: Path, *, offload: bool) -> Any:
    """Make the clip with diffusers, and print its figures."""
    import torch
    from diffusers import LTXConditionPipeline

    pipe: Any = LTXConditionPipeline.from_pretrained(checkpoint, dtype=torch.bfloat16)
    pipe.set_progress_bar_config(disable=True)
    if offload:
        pipe.enable_model_cpu_offload()
    else:
        pipe.to("cuda")
    clocks: list[Clock] = []

    def on_step(_: Any, step: int, *__: Any) -> dict[str, Any]:
        torch.cuda.synchronize()
        clocks[-1](step)
        return {}

    def run() -> Any:
        clocks.append(Clock())
        return pipe(
            prompt=PROMPT,
            negative_prompt=NEGATIVE_PROMPT,
            width=SIZE[0],
            height=SIZE[1],
            num_frames=FRAMES,
            frame_rate=30,
            num_inference_steps=generator.STEPS,
            guidance_scale=generator.GUIDANCE,
            decode_timestep=0.05,
            decode_noise_scale=0.025,
            generator=torch.Generator("cpu").manual_seed(SEED),
            output_type="np",
            callback_on_step_end=on_step,
        ).frames[0]

    seconds, peak, frames = measure(run)
    name = "diffusers, model offload" if offload else "diffusers, all on the card"
    print(f"  {name:36}{seconds:8.1f} s{clocks[-1].step:9.0f} ms a step{peak:8.2f} GB", flush=True)
    pipe.remove_all_hooks()
    return frames


def main() -> None:
    """Measure all three and print their similarity."""
    import torch

    print(torch.cuda.get_device_name(), torch.__version__)
    with tempfile.TemporaryDirectory() as place:
        checkpoint = random_ltx.save(Path(place))
        y, x = np.mgrid[: SIZE[1], : SIZE[0]]
        begun = np.stack([x % 256, y % 256, (x + y) % 256], axis=2).astype(np.uint8)
        frames = ours(checkpoint, begun)
        torch.cuda.set_per_process_memory_fraction(1.0, 0)
        theirs = []
        for offload in (True, False):
            theirs.append(peer(checkpoint, offload=offload))
            gc.collect()
            torch.cuda.empty_cache()
        for name, their in zip(("offload", "all on the card"), theirs, strict=True):
            error = np.mean((frames.astype(np.float64) - their.astype(np.float64) * 255) ** 2)
            print(f"  PSNR to diffusers, {name}: {10 * np.log10(255**2 / max(float(error), 1e-12)):.1f} dB")


if __name__ == "__main__":
    main()
