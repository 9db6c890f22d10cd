"""Save SDXL in its real sizes with random weights, as diffusers saves it. It is as fast as the real one.

The sizes come from the configuration files of stabilityai/stable-diffusion-xl-base-1.0 and
madebyollin/sdxl-vae-fp16-fix.
"""

import gc
from pathlib import Path
from typing import Any

from engine.torch_support.torchvision_import import import_torchvision
from tests.tiny_sdxl import one_token_a_letter

UNET = {
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "attention_head_dim": [5, 10, 20],
    "block_out_channels": [320, 640, 1280],
    "cross_attention_dim": 2048,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "layers_per_block": 2,
    "projection_class_embeddings_input_dim": 2816,
    "sample_size": 128,
    "transformer_layers_per_block": [1, 2, 10],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "use_linear_projection": True,
}
VAE = {
    "block_out_channels": [128, 256, 512, 512],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
    "latent_channels": 4,
    "layers_per_block": 2,
    "sample_size": 1024,
    "scaling_factor": 0.13025,
    "force_upcast": False,
}
TEXTS = (
    {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "num_hidden_layers": 12},
    {"hidden_size": 1280, "intermediate_size": 5120, "num_attention_heads": 20, "num_hidden_layers": 32},
)


def save(folder: Path) -> Path:
    """Save the model in fp16, 7 GB, with the scheduler of SDXL-Lightning."""
    import_torchvision()
    import torch
    from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    def build_random(build: Any, *given: Any, **more: Any) -> Any:
        with torch.device("cuda"):
            torch.manual_seed(0)
            return build(*given, **more).half()

    tokenizer: Any = one_token_a_letter(folder / "words")
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    first, second = (CLIPTextConfig(**sizes, **ends, vocab_size=49408, projection_dim=1280) for sizes in TEXTS)
    pipe = StableDiffusionXLPipeline(
        vae=build_random(AutoencoderKL, **VAE),
        text_encoder=build_random(CLIPTextModel, first),
        text_encoder_2=build_random(CLIPTextModelWithProjection, second),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        unet=build_random(UNet2DConditionModel, **UNET),
        scheduler=EulerDiscreteScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            steps_offset=1,
            timestep_spacing="trailing",
        ),
    )
    pipe.save_pretrained(folder / "random-sdxl", safe_serialization=True)
    del pipe
    gc.collect()
    torch.cuda.empty_cache()
    return folder / "random-sdxl"
