"""LivePortrait's key points: the face's own points rotated, moved and deformed (equation 2 of the paper)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.tasks.animate.liveportrait.networks import BINS, POINTS


@dataclass(frozen=True)
class Pose:
    """The pose of one picture: `kp` and `exp` (1, 21, 3), `scale` (1, 1), `t` (1, 3), `angles` (1, 3) in degrees."""

    kp: Tensor
    exp: Tensor
    scale: Tensor
    t: Tensor
    angles: Tensor

    @classmethod
    def of(cls, heads: dict[str, Tensor]) -> "Pose":
        """Return the pose from the motion extractor's output."""
        told = {name: value.float() for name, value in heads.items()}
        angles = torch.cat([_degrees(told[name]) for name in ("pitch", "yaw", "roll")], dim=1)
        points, bent = (told[name].view(-1, POINTS, 3) for name in ("kp", "exp"))
        return cls(points, bent, told["scale"].view(-1, 1), told["t"].view(-1, 3), angles)

    def points(self, turned: Tensor | None = None, moved: Tensor | None = None) -> Tensor:
        """Return the points (N, 21, 3) of a head rotated by `turned` (N, 3) degrees and moved by `moved` (N, 2)."""
        angles = self.angles if turned is None else self.angles + turned
        placed = self.kp @ rotation(angles) + self.exp
        flat = self.t[:, :2] if moved is None else self.t[:, :2] + moved
        placed = placed * self.scale[:, None]
        return torch.cat([placed[..., :2] + flat[:, None], placed[..., 2:]], dim=-1)


def rotation(angles: Tensor) -> Tensor:
    """Return rotation matrices (N, 3, 3), to multiply from the right, for pitch, yaw and roll (N, 3) in degrees."""
    pitch, yaw, roll = torch.deg2rad(angles).unbind(1)
    one, zero = torch.ones_like(pitch), torch.zeros_like(pitch)

    def matrix(*rows: Tensor) -> Tensor:
        return torch.stack(rows, dim=1).view(-1, 3, 3)

    x = matrix(one, zero, zero, zero, pitch.cos(), -pitch.sin(), zero, pitch.sin(), pitch.cos())
    y = matrix(yaw.cos(), zero, yaw.sin(), zero, one, zero, -yaw.sin(), zero, yaw.cos())
    z = matrix(roll.cos(), -roll.sin(), zero, roll.sin(), roll.cos(), zero, zero, zero, one)
    return (z @ y @ x).transpose(1, 2)


def _degrees(bins: Tensor) -> Tensor:
    """Convert scores (N, 66) of bins of three degrees to angles (N, 1)."""
    places = torch.arange(BINS, device=bins.device, dtype=bins.dtype)
    return (bins.softmax(dim=1) @ places * 3 - 97.5)[:, None]
