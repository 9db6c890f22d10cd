"""Builds a small SDXL checkpoint: all components with random weights, saved as diffusers saves them."""

import json
from pathlib import Path
from typing import Any

from engine.torch_support.torchvision_import import import_torchvision


def save_tiny_sdxl(folder: Path, spacing: str = "trailing") -> Path:
    """Save a checkpoint for 64 x 64 pixels. `spacing` is the scheduler's: `trailing` if distilled, or `leading`."""
    import_torchvision()
    import torch
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    torch.manual_seed(0)
    tokenizer = one_token_a_letter(folder / "words")
    pipe = StableDiffusionXLPipeline(
        vae=_vae(),
        text_encoder=CLIPTextModel(_text_config(tokenizer)),
        text_encoder_2=CLIPTextModelWithProjection(_text_config(tokenizer)),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        unet=_unet(),
        scheduler=EulerDiscreteScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            steps_offset=1,
            timestep_spacing=spacing,
        ),
    )
    pipe.save_pretrained(folder / "tiny-sdxl", safe_serialization=True)
    return folder / "tiny-sdxl"


def save_tiny_controlnet(folder: Path) -> Path:
    """Save a ControlNet for that checkpoint. None of its layers is zero, so its input changes the picture."""
    import_torchvision()
    import torch
    from diffusers import ControlNetModel

    torch.manual_seed(1)
    net = ControlNetModel.from_unet(_unet(), conditioning_embedding_out_channels=(8, 16))
    with torch.no_grad():
        for block in (*net.controlnet_down_blocks, net.controlnet_mid_block, net.controlnet_cond_embedding.conv_out):
            torch.nn.init.normal_(block.weight, std=0.5)
    net.save_pretrained(folder, safe_serialization=True)
    return folder


def save_tiny_lora(path: Path) -> Path:
    """Save a LoRA of rank 4 on the attention of the UNet and of the first text encoder."""
    import_torchvision()
    import torch
    from diffusers import StableDiffusionXLPipeline
    from peft import LoraConfig, get_peft_model_state_dict
    from transformers import CLIPTextModel

    torch.manual_seed(2)
    unet: Any = _unet()
    encoder: Any = CLIPTextModel(_text_config(one_token_a_letter(path.parent / "lora-words")))
    states = []
    for network, layers in ((unet, ["to_q", "to_v"]), (encoder, ["q_proj", "v_proj"])):
        network.add_adapter(LoraConfig(r=4, lora_alpha=4, init_lora_weights=False, target_modules=layers))
        states.append(get_peft_model_state_dict(network))
    StableDiffusionXLPipeline.save_lora_weights(path.parent, *states, weight_name=path.name, safe_serialization=True)
    return path


def save_tiny_depth(folder: Path) -> Path:
    """Save a Depth Anything network of two layers."""
    import_torchvision()
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config, DPTImageProcessor

    backbone = Dinov2Config(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        image_size=56,
        out_indices=[1, 2, 3, 4],
        reshape_hidden_states=False,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone, reassemble_hidden_size=16, neck_hidden_sizes=[8, 8, 8, 8], fusion_hidden_size=8
    )
    DepthAnythingForDepthEstimation(config).save_pretrained(folder, safe_serialization=True)
    DPTImageProcessor(size={"height": 56, "width": 56}, ensure_multiple_of=14).save_pretrained(folder)
    return folder


def save_tiny_pose(folder: Path) -> Path:
    """Save a ViTPose network of two layers for COCO's 17 points."""
    import_torchvision()
    from transformers import VitPoseBackboneConfig, VitPoseConfig, VitPoseForPoseEstimation, VitPoseImageProcessor

    backbone = VitPoseBackboneConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=[64, 48], out_indices=[2]
    )
    config = VitPoseConfig(backbone_config=backbone, num_labels=17)
    VitPoseForPoseEstimation(config).save_pretrained(folder, safe_serialization=True)
    VitPoseImageProcessor(size={"height": 64, "width": 48}).save_pretrained(folder)
    return folder


def _unet() -> object:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        block_out_channels=(32, 64),
        layers_per_block=1,
        sample_size=32,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=(2, 4),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        transformer_layers_per_block=(1, 2),
        projection_class_embeddings_input_dim=80,
        cross_attention_dim=64,
        norm_num_groups=8,
    )


def _vae() -> object:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(16, 32),
        down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
        up_block_types=("UpDecoderBlock2D", "UpDecoderBlock2D"),
        latent_channels=4,
        norm_num_groups=8,
        sample_size=64,
    )


def _text_config(tokenizer: object) -> object:
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        hidden_size=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=2,
        projection_dim=32,
        vocab_size=len(tokenizer),  # type: ignore[arg-type]
        bos_token_id=tokenizer.bos_token_id,  # type: ignore[attr-defined]
        eos_token_id=tokenizer.eos_token_id,  # type: ignore[attr-defined]
    )


def one_token_a_letter(folder: Path) -> object:
    """Return CLIP's byte-level tokenizer without merges: one token per letter."""
    from transformers import CLIPTokenizer

    letters = [chr(code) for code in range(33, 127)]
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=77)
