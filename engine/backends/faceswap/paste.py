"""A face cut out upright and put back, on the device, over the box of the face alone: one pass each way.

InsightFace's own way back warps, erodes and blurs planes of the whole frame on the CPU; here the mask is made once, in
the upright crop, and comes back with the colours in the same warp.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]
Tensor = Any  # torch.Tensor, of which the types are Any here

EDGE, SOFT = 0.1, 0.1
"""Of the crop's side: how far inside its edge the mask ends, and over how much it fades there."""
CORNER = 0.3
"""Of the crop's side: the radius of the mask's corners."""
SPREAD = (0.8, 1.25)
"""By how much the colours' spread may change to match the target's."""


@dataclass(frozen=True)
class Place:
    """Where an upright crop of `side` pixels lies in a picture: `move` (2, 3) from its pixels to the crop's.

    `left`, `top`, `right` and `bottom` are the box around it, whole pixels of the picture.
    """

    move: Values
    side: int
    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def of(cls, move: Values, side: int, shape: tuple[int, ...]) -> "Place | None":
        """None where the crop lies wholly out of a picture of `shape`, (H, W, ...)."""
        corners = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float32) - np.float32(0.5)
        there = (corners - move[:, 2]) @ np.linalg.inv(move[:, :2]).T
        low, high = np.floor(there.min(axis=0)), np.ceil(there.max(axis=0)) + 1
        left, top = (int(max(0, number)) for number in low)
        right, bottom = int(min(shape[1], high[0])), int(min(shape[0], high[1]))
        return cls(move, side, left, top, right, bottom) if left < right and top < bottom else None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the box."""
        return self.bottom - self.top, self.right - self.left

    def of_picture(self, picture: Picture) -> Picture:
        """The box of `picture`, not copied."""
        return picture[self.top : self.bottom, self.left : self.right]

    def out(self, device: torch.device) -> Tensor:
        """(1, 2, 3): for `affine_grid` of the crop, where in the box its pixels are."""
        return _theta(_inverse(self._boxed()), (self.side, self.side), self.shape).to(device)

    def back(self, device: torch.device) -> Tensor:
        """(1, 2, 3): for `affine_grid` of the box, where in the crop its pixels are."""
        return _theta(self._boxed(), self.shape, (self.side, self.side)).to(device)

    def _boxed(self) -> Any:
        """`move` from the box's pixels."""
        moved = self.move.astype(np.float64).copy()
        moved[:, 2] += self.move[:, :2] @ [self.left, self.top]
        return moved


def upright(box: Tensor, place: Place) -> Tensor:
    """Float (1, 3, H, W) of the box -> (1, 3, side, side)."""
    grid = functional.affine_grid(place.out(box.device), [1, 3, place.side, place.side], align_corners=False)
    return functional.grid_sample(box, grid, mode="bilinear", padding_mode="border", align_corners=False)


def put_back(face: Tensor, box: Tensor, place: Place, blend: float) -> Tensor:
    """A face (1, 3, side, side) over the box (1, 3, H, W) that it was cut from, softly."""
    sheet = torch.cat([face, _mask(place.side, box.device)], dim=1)
    grid = functional.affine_grid(place.back(box.device), [1, 4, *place.shape], align_corners=False)
    warped = functional.grid_sample(sheet, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    alpha = warped[:, 3:] * blend
    return box + alpha * (warped[:, :3] - box)


def matched(face: Tensor, model: Tensor) -> Tensor:
    """`face` (1, 3, S, S) with the mean and, within bounds, the spread of `model`'s colours where the mask is whole."""
    weight = _mask(face.shape[-1], face.device)
    (mean, spread), (aim, width) = _told(face, weight), _told(model, weight)
    return ((face - mean) * (width / spread.clamp(min=1e-3)).clamp(*SPREAD) + aim).clamp(0, 1)


def _told(face: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    total = weight.sum()
    mean = (face * weight).sum(dim=(2, 3), keepdim=True) / total
    return mean, (((face - mean) ** 2 * weight).sum(dim=(2, 3), keepdim=True) / total).sqrt()


@cache
def _mask(side: int, device: torch.device) -> Tensor:
    """(1, 1, side, side): 1 inside a square with round corners, fading to 0 before the edge."""
    steps = (torch.arange(side, device=device) + 0.5) / side - 0.5
    straight = 0.5 - EDGE - CORNER
    beyond = (steps.abs() - straight).clamp(min=0)
    away = torch.hypot(beyond[None, :], beyond[:, None]) - CORNER
    share = (0.5 - away / SOFT).clamp(0, 1)
    return (share * share * (3 - 2 * share))[None, None]


def _inverse(move: Any) -> Any:
    turn = np.linalg.inv(move[:, :2])
    return np.hstack([turn, (-turn @ move[:, 2])[:, None]])


def _theta(move: Any, here: tuple[int, int], there: tuple[int, int]) -> Tensor:
    """`move` (2, 3), from pixels of a picture of `here` to one of `there`, (height, width), in torch's -1..1."""

    def to_pixels(shape: tuple[int, int]) -> Any:
        return np.array([[shape[1] / 2, 0, shape[1] / 2 - 0.5], [0, shape[0] / 2, shape[0] / 2 - 0.5], [0, 0, 1]])

    whole = np.vstack([move, [0, 0, 1]])
    return torch.from_numpy((np.linalg.inv(to_pixels(there)) @ whole @ to_pixels(here))[None, :2].astype(np.float32))
