"""Generates motion from speech in the form of LivePortrait's motion extractor, frame by frame."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.tasks.animate.joyvasa import loading
from engine.tasks.animate.joyvasa.sampling import generate_coefficients

POSE = ("scale", "t", "pitch", "yaw", "roll")
SMOOTHING_FRAMES = 5.0
"""Width in frames of the filter over the head's motion."""


@dataclass(frozen=True)
class GeneratedMotion:
    """Motion of N frames: `exp` (N, 21, 3), `scale` (N, 1), `t` (N, 3), and `angles` (N, 3) as pitch, yaw, roll in
    degrees.
    """

    exp: Tensor
    scale: Tensor
    t: Tensor
    angles: Tensor

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.exp)


class MotionGenerator:
    """JoyVASA's networks."""

    def __init__(self, folder: Path, device: str) -> None:
        """Load from `folder`. Raises MissingModel."""
        self._generator = loading.generator(folder, device)
        self._template = loading.template(folder)

    @property
    def size(self) -> int:
        """Return the bytes of the weights."""
        return sum(value.nbytes for value in self._generator.state_dict().values())

    def generate(
        self,
        samples: NDArray[np.float32],
        count: int,
        seed: int,
        sway: float = 1.0,
        check: Callable[[], None] = lambda: None,
    ) -> GeneratedMotion:
        """Return `count` frames of motion, 25 a second, for mono samples at 16 kHz. `sway` scales the head's
        movement.

        `check` is called before each step of the network and may raise.
        """
        device = self._generator.start_motion_feat.device
        told = generate_coefficients(self._generator, torch.from_numpy(samples).to(device), count, seed, check)
        exp = told[:, :63] * self._value("std_exp") + self._value("mean_exp")
        pose = _smooth(told[:, 63:70] * (self._ends("max") - self._ends("min")) + self._ends("min"))
        pose = pose[:1] + sway * (pose - pose[:1])
        return GeneratedMotion(exp.view(-1, 21, 3), pose[:, :1], pose[:, 1:4], pose[:, 4:])

    def _ends(self, end: str) -> Tensor:
        return torch.cat([self._value(f"{end}_{name}") for name in POSE])

    def _value(self, name: str) -> Tensor:
        return torch.from_numpy(self._template[name])


def _smooth(curves: Tensor) -> Tensor:
    """Return a Gaussian mean of (N, C) over SMOOTHING_FRAMES, which causes no delay."""
    reach = round(3 * SMOOTHING_FRAMES)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / SMOOTHING_FRAMES) ** 2)
    padded = torch.nn.functional.pad(curves.T[:, None], (reach, reach), mode="replicate")
    return torch.nn.functional.conv1d(padded, (kernel / kernel.sum())[None, None])[:, 0].T
