"""LivePortrait's key points: a face's own ones turned, moved and bent (equation 2 of the paper)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.tasks.animate.liveportrait.networks import BINS, POINTS


@dataclass(frozen=True)
class Pose:
    """Of one picture: `kp` and `exp` (1, 21, 3), `scale` (1, 1), `t` (1, 3), `angles` (1, 3) in degrees."""

    kp: Tensor
    exp: Tensor
    scale: Tensor
    t: Tensor
    angles: Tensor

    @classmethod
    def of(cls, heads: dict[str, Tensor]) -> "Pose":
        """From what the motion extractor gives."""
        told = {name: value.float() for name, value in heads.items()}
        angles = torch.cat([_degrees(told[name]) for name in ("pitch", "yaw", "roll")], dim=1)
        points, bent = (told[name].view(-1, POINTS, 3) for name in ("kp", "exp"))
        return cls(points, bent, told["scale"].view(-1, 1), told["t"].view(-1, 3), angles)

    def points(self, turned: Tensor | None = None, moved: Tensor | None = None) -> Tensor:
        """(N, 21, 3): the points when the head is turned `turned` (N, 3) degrees and moved `moved` (N, 2)."""
        angles = self.angles if turned is None else self.angles + turned
        placed = self.kp @ rotation(angles) + self.exp
        flat = self.t[:, :2] if moved is None else self.t[:, :2] + moved
        placed = placed * self.scale[:, None]
        return torch.cat([placed[..., :2] + flat[:, None], placed[..., 2:]], dim=-1)


def rotation(angles: Tensor) -> Tensor:
    """(N, 3), pitch, yaw and roll in degrees -> (N, 3, 3), to be multiplied from the right."""
    pitch, yaw, roll = torch.deg2rad(angles).unbind(1)
    one, zero = torch.ones_like(pitch), torch.zeros_like(pitch)

    def matrix(*rows: Tensor) -> Tensor:
        return torch.stack(rows, dim=1).view(-1, 3, 3)

    x = matrix(one, zero, zero, zero, pitch.cos(), -pitch.sin(), zero, pitch.sin(), pitch.cos())
    y = matrix(yaw.cos(), zero, yaw.sin(), zero, one, zero, -yaw.sin(), zero, yaw.cos())
    z = matrix(roll.cos(), -roll.sin(), zero, roll.sin(), roll.cos(), zero, zero, zero, one)
    return (z @ y @ x).transpose(1, 2)


def _degrees(bins: Tensor) -> Tensor:
    """(N, 66) scores of bins of three degrees -> (N, 1)."""
    places = torch.arange(BINS, device=bins.device, dtype=bins.dtype)
    return (bins.softmax(dim=1) @ places * 3 - 97.5)[:, None]
