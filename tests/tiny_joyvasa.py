"""Builds JoyVASA's files in the published format with random weights, small or at the real sizes."""

import argparse
import json
import pickle
from pathlib import Path, PosixPath
from typing import Any

import numpy as np
import torch

from engine.tasks.animate.joyvasa.files import ENCODER, GENERATOR, TEMPLATE
from engine.tasks.animate.joyvasa.network import MAX_POSITIONS, Generator, Shape, waves
from engine.torch_support.torchvision_import import import_torchvision

import_torchvision()

from transformers import HubertConfig, HubertModel  # noqa: E402  # must come after the lines above

TINY = Shape(features=16, frames=100, before=10, steps=4, layers=2)
SMALL = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
HEARS = {"conv_dim": [8] * 7, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2}


def encoder(**told: Any) -> Any:
    """Return a small HuBERT model with random weights."""
    return HubertModel(HubertConfig(**told))


def save(folder: Path, shape: Shape = TINY, told: dict[str, Any] | None = None) -> Generator:
    """Save the generator's checkpoint, the template, and the encoder's configuration if it is not the usual one."""
    torch.manual_seed(5)
    config = {**SMALL, **HEARS} if told is None else told
    made = Generator(shape, encoder(**config))
    made.eval()
    for name in ("start_motion_feat", "start_audio_feat", "null_audio_feat"):
        getattr(made, name).data.normal_()
    for name in (GENERATOR, TEMPLATE, ENCODER):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    args = argparse.Namespace(
        feature_dim=shape.features,
        n_motions=shape.frames,
        n_prev_motions=shape.before,
        n_diff_steps=shape.steps,
        motion_feat_dim=shape.coefficients,
        audio_model="hubert_zh",
        pad_mode="zero",
        use_indicator=True,
        data_root=PosixPath("data"),
    )
    torch.save({"args": args, "model": published_weights(made), "iter": 1}, folder / GENERATOR)
    (folder / ENCODER).write_text(json.dumps(config))
    with (folder / TEMPLATE).open("wb") as file:
        pickle.dump(template(), file)
    return made


def published_weights(made: Generator) -> dict[str, Any]:
    """Return the weights under their published names: old weight norms, and redundant buffers."""
    count = made.shape.before + made.shape.frames
    state = {
        name.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): value
        for name, value in made.state_dict().items()
    }
    extra = {"TE.pe": waves(501, made.shape.features)[None], "PE.pe": waves(MAX_POSITIONS, made.shape.features)[None]}
    extra["alignment_mask"] = ~torch.eye(count, dtype=torch.bool)
    state |= {f"denoising_net.{name}": value for name, value in extra.items()}
    return state | {f"diffusion_sched.{name}": torch.zeros(made.shape.steps + 1) for name in ("betas", "alphas")}


def template() -> dict[str, Any]:
    """Return a template with random means and spreads."""
    random = np.random.default_rng(2)
    told: dict[str, Any] = {
        "mean_exp": random.normal(0, 0.01, 63).astype(np.float32),
        "std_exp": random.uniform(0.005, 0.02, 63).astype(np.float32),
        "mean_R": np.zeros(9),
    }
    for name, low, high, size in (("scale", 1.0, 1.4, 1), ("t", -0.05, 0.05, 3), ("pitch", -12, 12, 1)):
        told |= {f"min_{name}": np.full(size, low, np.float32), f"max_{name}": np.full(size, high, np.float32)}
    for name in ("yaw", "roll"):
        told |= {f"min_{name}": np.array([-15], np.float32), f"max_{name}": np.array([15], np.float32)}
    return told
