"""Samples motion by reverse diffusion, guided by the sound, one window after another."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.tasks.animate.joyvasa.network import HOP_SAMPLES, Generator

GUIDANCE_SCALE = 2.8
"""The published guidance scale of the sound."""
COSINE_OFFSET = 0.008
"""Offset of the cosine schedule (Nichol and Dhariwal, "Improved Denoising Diffusion Probabilistic Models", 2021)."""


@dataclass(frozen=True)
class Schedule:
    """The share of the motion that remains, by step from 0 (no noise): in that step, and in all steps up to it."""

    kept: Tensor
    left: Tensor

    @classmethod
    def of(cls, steps: int) -> "Schedule":
        """Return the cosine schedule of `steps` steps."""
        turns = (torch.linspace(0, steps, steps + 1) / steps + COSINE_OFFSET) / (1 + COSINE_OFFSET)
        curve = torch.cos(turns * torch.pi * 0.5) ** 2
        lost = (1 - curve[1:] / curve[:-1]).clamp(0.0001, 0.999)
        kept = torch.cat([torch.ones(1), 1 - lost])
        return cls(kept, kept.log().cumsum(0).exp())

    def before(self, step: int, noisy: Tensor, clean: Tensor, noise: Tensor) -> Tensor:
        """Return the motion one step earlier, where `clean` is the network's estimate from `noisy`."""
        kept, left, earlier = (float(value) for value in (self.kept[step], self.left[step], self.left[step - 1]))
        mean = ((1 - earlier) * kept**0.5 * noisy + (1 - kept) * earlier**0.5 * clean) / (1 - left)
        return mean + ((1 - earlier) / (1 - left) * (1 - kept)) ** 0.5 * noise


@torch.inference_mode()
def generate_coefficients(
    generator: Generator, samples: Tensor, count: int, seed: int, check: Callable[[], None] = lambda: None
) -> Tensor:
    """Return (count, coefficients) for samples (L,) at 16 kHz, window by window, each continuing the last.

    A seed gives the same result on every device: random numbers come from the CPU. `check` is called before each
    step and may raise.
    """
    return torch.cat([window[0].cpu() for window in _windows(generator, samples, count, seed, check)])[:count]


def _windows(
    generator: Generator, samples: Tensor, count: int, seed: int, check: Callable[[], None]
) -> Iterator[Tensor]:
    shape, chance = generator.shape, torch.Generator().manual_seed(seed)
    motion, heard = generator.start_motion_feat, generator.start_audio_feat
    begin = torch.randn((1, shape.frames, shape.coefficients), generator=chance)
    length = 2 * HOP_SAMPLES * shape.frames
    for at in range(0, 2 * HOP_SAMPLES * count, length):
        piece = torch.zeros(1, length, device=motion.device)
        part = samples[at : at + length]
        piece[0, : len(part)] = part
        now = generator.hear(piece)
        made = _denoise(generator, torch.cat([heard, now], dim=1), motion, begin, chance, check=check)
        yield made
        motion, heard = made[:, -shape.before :], now[:, -shape.before :]


def _denoise(
    generator: Generator,
    heard: Tensor,
    before: Tensor,
    begin: Tensor,
    chance: torch.Generator,
    *,
    check: Callable[[], None],
) -> Tensor:
    shape, schedule = generator.shape, Schedule.of(generator.shape.steps)
    deaf = torch.cat([heard[:, : shape.before], generator.null_audio_feat.expand(-1, shape.frames, -1)], dim=1)
    both, now = torch.cat([deaf, heard]), begin.to(heard.device)
    for step in range(shape.steps, 0, -1):
        check()
        given = torch.cat([before, now], dim=1).expand(2, -1, -1)
        without, with_sound = generator.denoising_net(given, both, step)[:, -shape.frames :].split(1)
        clean = without + GUIDANCE_SCALE * (with_sound - without)
        noise = torch.randn(now.shape, generator=chance) if step > 1 else torch.zeros(now.shape)
        now = schedule.before(step, now, clean, noise.to(now.device))
    return now
