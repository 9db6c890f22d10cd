"""Builds a small LTX-Video checkpoint: all components with random weights, saved as diffusers saves them."""

from pathlib import Path
from typing import Any, Literal

from engine.torch_support.torchvision_import import import_torchvision

WORDS = ("a ship comes home at dusk", "worst quality, inconsistent motion, blurry, jittery, distorted", "rain falls")


def save_tiny_ltx(folder: Path, kind: Literal["LTXPipeline", "LTXConditionPipeline"] = "LTXConditionPipeline") -> Path:
    """Save a checkpoint. `kind` is the pipeline in model_index.json: that of 0.9.0 and 0.9.1, or that of 0.9.5 and
    newer.

    It compresses like the real one: 32 times in width and height, 8 times in time. The newer VAE takes a timestep.
    """
    import_torchvision()
    import diffusers
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, LTXVideoTransformer3DModel
    from transformers import T5Config, T5EncoderModel

    torch.manual_seed(0)
    newer = kind == "LTXConditionPipeline"
    words = tokenizer(folder / "words")
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 37, "num_layers": 2, "num_heads": 4, "vocab_size": len(words)}
    pipe = getattr(diffusers, kind)(
        scheduler=FlowMatchEulerDiscreteScheduler() if newer else _shifting(),
        vae=_vae(newer=newer),
        text_encoder=T5EncoderModel(T5Config(**sizes, feed_forward_proj="gated-gelu")),
        tokenizer=words,
        transformer=LTXVideoTransformer3DModel(
            in_channels=8,
            out_channels=8,
            num_attention_heads=4,
            attention_head_dim=8,
            cross_attention_dim=32,
            num_layers=2,
            caption_channels=32,
        ),
    )
    place = folder / f"tiny-{kind}"
    pipe.save_pretrained(place, safe_serialization=True)
    for name in ("tokenizer.json", "spiece.model"):
        (place / "tokenizer" / name).unlink(missing_ok=True)
    (place / "tokenizer" / "spiece.model").write_bytes((folder / "words" / "spiece.model").read_bytes())
    return place


def _shifting() -> object:
    from diffusers import FlowMatchEulerDiscreteScheduler

    return FlowMatchEulerDiscreteScheduler(
        use_dynamic_shifting=True,
        base_shift=0.95,
        max_shift=2.05,
        base_image_seq_len=1024,
        max_image_seq_len=4096,
        shift_terminal=0.1,
    )


def _vae(*, newer: bool) -> object:
    from diffusers import AutoencoderKLLTXVideo

    decoder: dict[str, Any] = {"decoder_block_out_channels": (8, 8, 8, 8), "decoder_layers_per_block": (1, 1, 1, 1, 1)}
    if newer:
        decoder = {
            "decoder_block_out_channels": (8, 8, 8),
            "decoder_layers_per_block": (1, 1, 1, 1),
            "decoder_spatio_temporal_scaling": (True, True, True),
            "decoder_inject_noise": (False, False, False, False),
            "upsample_residual": (True, True, True),
            "upsample_factor": (1, 1, 1),
            "timestep_conditioning": True,
        }
    return AutoencoderKLLTXVideo(
        latent_channels=8, block_out_channels=(8, 8, 8, 8), layers_per_block=(1, 1, 1, 1, 1), **decoder
    )


def tokenizer(folder: Path) -> Any:
    """Save and return T5's tokenizer from a SentencePiece model, as the hub's repositories have it."""
    import sentencepiece
    from transformers import T5Tokenizer

    folder.mkdir(parents=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(WORDS * 4),
        model_prefix=str(folder / "spiece"),
        vocab_size=60,
        hard_vocab_limit=False,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        minloglevel=2,
    )
    return T5Tokenizer.from_pretrained(folder, extra_ids=0, model_max_length=128)
