"""A compiler in a process of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.tasks.imagine.sdxl.acceleration.ahead_of_time_compile import _calls, _signature, describe_work
from engine.tasks.imagine.sdxl.acceleration.compiled_regions import UNET, VAE, Regions
from engine.torch_support.torchvision_import import import_torchvision
from tests.tiny_sdxl import save_tiny_sdxl

FOUND = """
import torch
from torch._dynamo.utils import counters
from engine.tasks.imagine.sdxl.acceleration.ahead_of_time_compile import compile_ahead
from engine.tasks.imagine.sdxl.acceleration.compiled_regions import VAE
from tests.engine.tasks.imagine.test_ahead_of_time_compile import smallest_vae
vae, latents = smallest_vae(), torch.randn(1, 4, 8, 8)
assert compile_ahead(VAE, vae, (latents,))
with torch.inference_mode():
    apart = (VAE.twin(vae)(latents).int() - VAE.function(vae)(latents).int()).abs().max()
print(int(apart), counters["inductor"]["fxgraph_cache_hit"], counters["inductor"]["fxgraph_cache_miss"])
"""


def smallest_vae() -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(block_out_channels=(8,), latent_channels=4, norm_num_groups=4).eval()


@pytest.mark.timeout(400)  # torch's compiler takes its time on a busy machine
@pytest.mark.skipif(not shutil.which("g++"), reason="torch compiles for a CPU with g++, which is not here")
def test_what_another_process_compiled_is_found_on_disk_and_draws_the_same(tmp_path: Path) -> None:
    code = f"from engine.torch_support.torchvision_import import import_torchvision\nimport_torchvision()\n{FOUND}"
    environment = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": str(tmp_path)}
    told = subprocess.check_output([sys.executable, "-c", code], env=environment, text=True)
    apart, hits, misses = map(int, told.split()[-3:])
    assert (apart <= 1, hits, misses) == (True, 1, 0)


def test_regions_without_weights_are_given_what_the_real_ones_are_given(tmp_path: Path) -> None:
    """Shapes, strides and dtypes: where they differ, what was compiled ahead is not found."""
    import_torchvision()
    import torch
    from diffusers import StableDiffusionXLPipeline

    pipe: Any = StableDiffusionXLPipeline.from_pretrained(save_tiny_sdxl(tmp_path))
    words, pooled = pipe.unet.config.cross_attention_dim, pipe.text_encoder_2.config.projection_dim
    asked = (torch.randn(2, 4, 8, 8), torch.tensor(999.0), torch.randn(2, 77, words))
    calls = {
        UNET: (pipe.unet, (*asked, torch.randn(2, pooled), torch.randn(2, 6))),
        VAE: (pipe.vae, (torch.randn(1, 4, 8, 8),)),
    }
    for regions, (network, inputs) in calls.items():
        real = _seen_by_regions(regions, network, inputs)
        assert real
        assert [_signature(*call) for call in _calls(describe_work(regions, network, inputs))] == real


def _seen_by_regions(regions: Regions, network: Any, inputs: tuple[Any, ...]) -> list[str]:
    import torch

    seen: list[str] = []
    for region in regions.of(network):
        region.register_forward_pre_hook(lambda each, *given: seen.append(_signature(each, given)), with_kwargs=True)
    with torch.inference_mode():
        regions.function(network)(*inputs)
    return seen
