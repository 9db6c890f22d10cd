"""JoyVASA's motion generator, named as in its checkpoint: an audio encoder and a denoising transformer."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

HOP_SAMPLES = 320
"""Samples between two frames of the audio encoder."""
PADDING_SAMPLES = 20
"""Samples mirrored onto each end, twice, so that a window yields a frame per hop."""
MAX_POSITIONS = 600
"""Positions of the positional encoding."""


@dataclass(frozen=True)
class Shape:
    """Sizes from the checkpoint's arguments: `frames` in a window, `before` it, with `coefficients` each."""

    features: int = 256
    frames: int = 100
    before: int = 10
    steps: int = 50
    coefficients: int = 70
    layers: int = 8


class Denoiser(nn.Module):
    """Predicts clean motion from noisy motion. It attends to the sound, each frame to its own part."""

    places: Tensor
    moments: Tensor
    alone: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        wide = shape.features
        layer = nn.TransformerDecoderLayer(wide, 8, 4 * wide, activation="gelu", batch_first=True)
        self.transformer = nn.TransformerDecoder(layer, shape.layers)
        self.feature_proj = nn.Linear(shape.coefficients, wide)
        self.diff_step_map = nn.Sequential(nn.Linear(wide, wide), nn.GELU(), nn.Linear(wide, wide))
        self.motion_dec = nn.Sequential(nn.Linear(wide, wide // 2), nn.GELU(), nn.Linear(wide // 2, shape.coefficients))
        count = shape.before + shape.frames
        self.register_buffer("places", waves(MAX_POSITIONS, wide)[count], persistent=False)
        self.register_buffer("moments", waves(shape.steps + 1, wide), persistent=False)
        self.register_buffer("alone", ~torch.eye(count, dtype=torch.bool), persistent=False)

    def forward(self, motion: Tensor, heard: Tensor, step: int) -> Tensor:
        """Map motion (N, before + frames, coefficients) and sound (N, before + frames, features) to clean motion.

        Every frame has the position of the sequence's end, as the published network was trained.
        """
        moment = self.diff_step_map(self.moments[step])
        given = self.feature_proj(motion) + self.places + moment
        made: Tensor = self.motion_dec(self.transformer(given, heard, memory_mask=self.alone))
        return made


class Generator(nn.Module):
    """The whole motion generator with `encoder`, a HuBERT or wav2vec 2.0 model of transformers."""

    def __init__(self, shape: Shape, encoder: Any) -> None:
        super().__init__()
        self.shape = shape
        self.audio_encoder = encoder
        self.audio_feature_map = nn.Linear(encoder.config.hidden_size, shape.features)
        self.denoising_net = Denoiser(shape)
        self.start_motion_feat = nn.Parameter(torch.zeros(1, shape.before, shape.coefficients))
        self.start_audio_feat = nn.Parameter(torch.zeros(1, shape.before, shape.features))
        self.null_audio_feat = nn.Parameter(torch.zeros(1, 1, shape.features))

    def hear(self, samples: Tensor) -> Tensor:
        """Encode samples (N, 2 x frames x HOP_SAMPLES) at 16 kHz to features (N, frames, features)."""
        for _ in range(2):
            samples = functional.pad(samples, (PADDING_SAMPLES, PADDING_SAMPLES), mode="reflect")
        told = self.audio_encoder(samples).last_hidden_state.transpose(1, 2)
        half = functional.interpolate(told, size=self.shape.frames, mode="linear", align_corners=False)
        heard: Tensor = self.audio_feature_map(half.transpose(1, 2))
        return heard


def waves(count: int, wide: int) -> Tensor:
    """Return sinusoidal positional encodings (count, wide)."""
    places = torch.arange(count, dtype=torch.float32)[:, None]
    rates = torch.exp(torch.arange(0, wide, 2).float() * (-math.log(10000.0) / wide))
    return torch.stack([torch.sin(places * rates), torch.cos(places * rates)], dim=2).flatten(1)
