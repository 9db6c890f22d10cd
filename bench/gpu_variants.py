"""Measure what each option of a picture costs on a GPU, in ms and peak memory, and compare it with diffusers.

    python -m bench.gpu_variants [NAME...]    only these, without waiting for the compiler

SDXL, a ControlNet and a LoRA have their real sizes and random weights: fp16, 1024 x 1024, 4 steps, on the first GPU.
The baseline is a picture from text alone in the same run, and the peer is diffusers' img2img. Figures are medians of
five.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.gpu import wait_for
from bench.lib import random_sdxl
from engine.core.job import Media
from engine.core.settings import WorkerSettings
from engine.media import png
from engine.media.files import keep
from engine.tasks.imagine.params import Params
from engine.tasks.imagine.sdxl.generator import SdxlGenerator

TIMES = 5
LONG = "a lighthouse at dusk, waves, gulls, fishing boats, " * 12


def quiet(_stage: str, _fraction: float, _preview: object = None) -> None:
    return None


def measure(run: Callable[[int], Any]) -> tuple[float, float]:
    """Return the median milliseconds and the peak gigabytes of `draw`, after one warm-up run."""
    import torch

    run(0)
    torch.cuda.reset_peak_memory_stats()
    spent = []
    for number in range(1, TIMES + 1):
        torch.cuda.synchronize()
        started = time.perf_counter()
        run(number)
        torch.cuda.synchronize()
        spent.append(1000 * (time.perf_counter() - started))
    return statistics.median(spent), torch.cuda.max_memory_allocated() / 1e9


def save_control(unet: Any, folder: Path) -> None:
    """Save a ControlNet with random weights."""
    import torch
    from diffusers import ControlNetModel

    ControlNetModel.from_unet(unet).to(torch.float16).save_pretrained(folder)


def save_lora(unet: Any, folder: Path) -> None:
    """Save a LoRA of rank 16 on the attention of the UNet, like most LoRAs for SDXL."""
    from diffusers import StableDiffusionXLPipeline
    from peft import LoraConfig, get_peft_model_state_dict

    layers = ["to_q", "to_k", "to_v", "to_out.0"]
    unet.add_adapter(LoraConfig(r=16, lora_alpha=16, init_lora_weights=False, target_modules=layers))
    StableDiffusionXLPipeline.save_lora_weights(folder, get_peft_model_state_dict(unet), weight_name="film.safetensors")
    unet.delete_adapters(["default"])


def roads(photo: Media, mask: Media) -> dict[str, dict[str, Any]]:
    """Return the options of each variant by name."""
    drawn: dict[str, Any] = {"image": photo}
    return {
        "words alone": {},
        "two hundred words": {"prompt": LONG},
        "four weights": {"prompt": "a (red:1.3) cat on a (mat:0.6), (fog:1.2), (rain:0.8)"},
        "variation": {"variation": 0.3},
        "tiling": {"tiling": True},
        "from a picture": drawn | {"strength": 0.6},
        "into a mask": drawn | {"mask": mask},
        "zoomed out": drawn | {"extend": "out"},
        "panned": drawn | {"extend": "right"},
        "along edges": drawn | {"control": "canny"},
        "with a LoRA": {"lora": "film:0.8"},
    }


def peer(painter: SdxlGenerator, picture: np.ndarray[Any, Any]) -> Callable[[int], Any]:
    """Return a function that draws with diffusers' img2img."""
    import torch
    from diffusers import StableDiffusionXLImg2ImgPipeline
    from PIL import Image

    pipe = StableDiffusionXLImg2ImgPipeline(**painter._pipe.components)  # the same weights
    pipe.set_progress_bar_config(disable=True)
    started = Image.fromarray(picture)

    def draw(number: int) -> Any:
        generator = torch.Generator("cpu").manual_seed(number)
        asked = {"strength": 0.6, "num_inference_steps": 7, "guidance_scale": 0, "generator": generator}
        return pipe("a lighthouse at dusk", image=started, **asked).images

    return draw


def main() -> None:
    """Measure all variants, or those named on the command line."""
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        os.environ["ATELIER_WEIGHTS"] = str(home / "weights")
        (home / "weights" / "loras").mkdir(parents=True)
        checkpoint = random_sdxl.save(home / "sdxl")
        settings = WorkerSettings(
            device="cuda:0", folder=home, memory=15_000_000_000, models={"imagine": str(checkpoint)}
        )
        painter = SdxlGenerator(settings)
        unet = painter._pipe.unet  # the shapes to make the others of
        save_control(unet, home / "weights" / "controls" / "canny")
        save_lora(unet, home / "weights" / "loras")
        picture = np.random.default_rng(0).integers(0, 255, (1024, 1024, 3), np.uint8)
        photo = keep(png.encode(picture), home / "media")
        mask = keep(png.encode(np.where(np.arange(1024)[None, :, None] < 512, 0, picture * 0 + 255)), home / "media")
        table(painter, roads(photo, mask), picture)


def table(painter: SdxlGenerator, asked: dict[str, dict[str, Any]], picture: np.ndarray[Any, Any]) -> None:
    """Print the table of all variants."""
    for number in range(3):
        painter.generate(Params(prompt="a lighthouse at dusk", seed=number), quiet)
    if not sys.argv[1:]:
        print(f"compiled in {wait_for(painter):.0f} s, for words alone")
    print(f"{'':24}{'ms':>8}{'peak GB':>9}")
    for name, options in ((name, asked[name]) for name in sys.argv[1:] or asked):
        given = {"prompt": "a lighthouse at dusk", **options}

        def draw(number: int, given: dict[str, Any] = given) -> Any:
            return painter.generate(Params(seed=number, **given), quiet)

        spent, peak = measure(draw)
        print(f"{name:24}{spent:8.0f}{peak:9.2f}", flush=True)
    spent, peak = measure(peer(painter, picture))
    print(f"{'diffusers from a picture':24}{spent:8.0f}{peak:9.2f}")


if __name__ == "__main__":
    main()
