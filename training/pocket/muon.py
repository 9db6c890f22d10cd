"""Optimise weight matrices with Muon (Jordan et al. 2024): momentum, orthogonalised by five Newton-Schulz steps."""

import math

import torch
from torch import Tensor, nn

STEPS = (3.4445, -4.7750, 2.0315)


class Muon:
    """Updates matrices and convolutions of equal shape together.

    The RMS of an update is ``0.2 x rate``, like AdamW's (Liu et al. 2025), so that both can use one learning rate.
    """

    def __init__(self, parameters: list[nn.Parameter], decay: float) -> None:
        self.decay = decay
        self.groups: dict[tuple[int, int], list[nn.Parameter]] = {}
        for p in parameters:
            self.groups.setdefault((p.shape[0], p.numel() // p.shape[0]), []).append(p)
        self.momentum = {k: torch.zeros(len(v), *k, device=v[0].device) for k, v in self.groups.items()}

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Update every matrix once. Their gradients must be set."""
        for shape, group in self.groups.items():
            gradient = torch.stack([_grad_of(p).reshape(shape) for p in group])
            momentum = self.momentum[shape].lerp_(gradient, 0.05)
            update = orthogonal(gradient.lerp(momentum, 0.95)) * (-rate * 0.2 * math.sqrt(max(shape)))
            torch._foreach_mul_(group, 1 - rate * self.decay)
            torch._foreach_add_(group, [u.reshape(p.shape) for u, p in zip(update.unbind(0), group, strict=True)])


def _grad_of(p: nn.Parameter) -> Tensor:
    assert p.grad is not None
    return p.grad


def orthogonal(batch: Tensor) -> Tensor:
    """Return the nearest orthogonal matrices to ``batch`` (N, R, C), with singular values of about 0.7 to 1.2."""
    a, b, c = STEPS
    x = batch.bfloat16().mT if batch.shape[1] > batch.shape[2] else batch.bfloat16()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        y = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(y, y, y, beta=b, alpha=c), x, beta=a)
    return (x.mT if batch.shape[1] > batch.shape[2] else x).float()
