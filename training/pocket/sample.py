"""Sample pictures with DPM-Solver++(2M) (Lu et al.

2022), for ``z_t = t x + (1 - t) n`` and a network that predicts x.
"""

import math
from itertools import pairwise
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from training.pocket.network import Pocket

Text = tuple[Tensor, Tensor]


def schedule(steps: int, shift: float = 2.0) -> list[float]:
    """Return ``steps + 1`` times from 0 (noise) to 1 (picture). A shift over 1 puts more of them near the noise."""
    return [u / (u + shift * (1 - u)) for u in (i / steps for i in range(steps + 1))]


def noise(seeds: list[int], size: int) -> Tensor:
    """Return noise (B, 3, size, size) that depends only on each picture's seed, and is the same on every device."""
    return torch.stack([torch.randn(3, size, size, generator=torch.Generator().manual_seed(s)) for s in seeds])


def predict(model: Pocket, z: Tensor, t: Tensor, text: Text, *, empty: Text | None, guidance: float) -> Tensor:
    """Return the predicted clean picture, clamped, with guidance against ``empty`` (Ho and Salimans 2022) if given."""
    if empty is None:
        return model(z, t, *text).float().clamp(-1, 1)
    states, mask = (torch.cat([a, b.expand_as(a)]) for a, b in zip(text, empty, strict=True))
    with_text, without = model(torch.cat([z, z]), torch.cat([t, t]), states, mask).float().chunk(2)
    return (without + guidance * (with_text - without)).clamp(-1, 1)


@torch.no_grad()
def sample(
    model: Pocket, text: Text, empty: Text | None, seeds: list[int], *, steps: int, guidance: float = 4.0
) -> Tensor:
    """Return pictures (B, 3, S, S) in -1..1 for the states and masks of B captions.

    ``empty`` is None for distilled weights.
    """
    z = noise(seeds, model.size).to(text[0].device)
    times, before, moved = schedule(steps), None, 0.0
    for i, (t, after) in enumerate(pairwise(times)):
        x = predict(model, z, torch.full((len(z),), t, device=z.device), text, empty=empty, guidance=guidance)
        level = log_ratio(t)
        direction = x
        if before is not None and i < steps - 1 and moved > -9:
            direction = x + (x - before) * (log_ratio(after) - level) / (2 * (level - moved))
        keep = (1 - after) / (1 - t)
        z = keep * z + (after - t * keep) * direction
        before, moved = x, level
    return z.clamp(-1, 1)


def log_ratio(t: float) -> float:
    """Return half the logarithm of the signal-to-noise ratio at time ``t``, which must be under 1."""
    return math.log(max(t, 1e-4) / (1 - t))


def save_sheet(drawn: Tensor, path: Path, columns: int) -> None:
    """Save pictures (B, 3, S, S) in -1..1 as one PNG, with ``columns`` per row."""
    pixels = ((drawn.float().cpu() + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1)
    blank = torch.full((-len(pixels) % columns, *pixels.shape[1:]), 255, dtype=torch.uint8)
    rows = torch.cat([pixels, blank]).unflatten(0, (-1, columns))
    sheet = torch.cat(list(torch.cat(list(rows.unbind(1)), 2).unbind(0)), 0)
    Image.fromarray(sheet.numpy()).save(path)
