"""Save LTX-Video in its real sizes with random weights, as diffusers saves it. It is as fast as the real one.

The sizes come from the configuration of Lightricks/LTX-Video-0.9.5, as in diffusers' convert_ltx_to_diffusers.py, and
of google/t5-v1_1-xxl. The tokenizer knows only letters.
"""

import json
from pathlib import Path
from typing import Any

from engine.torch_support.torchvision_import import import_torchvision

TEXTS = {"d_model": 4096, "d_kv": 64, "d_ff": 10240, "num_layers": 24, "num_heads": 64, "vocab_size": 32128}
TRANSFORMER = {
    "in_channels": 128,
    "out_channels": 128,
    "num_attention_heads": 32,
    "attention_head_dim": 64,
    "cross_attention_dim": 2048,
    "num_layers": 28,
    "caption_channels": 4096,
}
VAE = {
    "latent_channels": 128,
    "block_out_channels": (128, 256, 512, 1024, 2048),
    "down_block_types": ("LTXVideo095DownBlock3D",) * 4,
    "decoder_block_out_channels": (256, 512, 1024),
    "layers_per_block": (4, 6, 6, 2, 2),
    "decoder_layers_per_block": (5, 5, 5, 5),
    "spatio_temporal_scaling": (True, True, True, True),
    "decoder_spatio_temporal_scaling": (True, True, True),
    "decoder_inject_noise": (False, False, False, False),
    "downsample_type": ("spatial", "temporal", "spatiotemporal", "spatiotemporal"),
    "upsample_residual": (True, True, True),
    "upsample_factor": (2, 2, 2),
    "timestep_conditioning": True,
    "spatial_compression_ratio": 32,
    "temporal_compression_ratio": 8,
}


def save(folder: Path) -> Path:
    """Save the model in bf16, 15 GB, one part after the other, so that two are never in memory at once."""
    import_torchvision()
    import torch
    from diffusers import (
        AutoencoderKLLTXVideo,
        FlowMatchEulerDiscreteScheduler,
        LTXVideoTransformer3DModel,
    )
    from transformers import T5Config, T5EncoderModel, T5Tokenizer

    def part(name: str, build: Any, *given: Any, **more: Any) -> None:
        torch.set_default_dtype(torch.bfloat16)
        try:
            with torch.device("cuda"):
                torch.manual_seed(0)
                build(*given, **more).save_pretrained(folder / "random-ltx" / name, safe_serialization=True)
        finally:
            torch.set_default_dtype(torch.float32)
            torch.cuda.empty_cache()

    config = T5Config(**TEXTS, feed_forward_proj="gated-gelu", tie_word_embeddings=False)
    part("text_encoder", T5EncoderModel, config)
    part("transformer", LTXVideoTransformer3DModel, **TRANSFORMER)
    part("vae", AutoencoderKLLTXVideo, **VAE)
    place = folder / "random-ltx"
    FlowMatchEulerDiscreteScheduler().save_pretrained(place / "scheduler")
    letters = [(letter, -3.0) for letter in "\u2581abcdefghijklmnopqrstuvwxyz,."]
    words = T5Tokenizer([("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *letters], extra_ids=0, model_max_length=128)
    words.save_pretrained(place / "tokenizer")
    kinds = {
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
        "text_encoder": ["transformers", "T5EncoderModel"],
        "tokenizer": ["transformers", "T5Tokenizer"],
        "transformer": ["diffusers", "LTXVideoTransformer3DModel"],
        "vae": ["diffusers", "AutoencoderKLLTXVideo"],
    }
    (place / "model_index.json").write_text(json.dumps({"_class_name": "LTXConditionPipeline", **kinds}))
    return place
