"""Crops a face upright and pastes it back, on the device, within the face's box alone: one warp each way.

InsightFace's own code warps, erodes and blurs planes of the whole frame on the CPU. Here the mask is made once in the
upright crop and warped back together with the colours.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from engine.torch_support.transfer import array_to_device

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]
Tensor = Any  # torch.Tensor, of which the types are Any here

EDGE, SOFT = 0.1, 0.1
"""Margin inside the crop's edge where the mask ends, and width of its fade, as shares of the crop's side."""
CORNER = 0.3
"""Radius of the mask's corners as a share of the crop's side."""
SPREAD = (0.8, 1.25)
"""Bounds of the factor by which the spread of the colours is matched to the target's."""
LEAST = 1e-3
"""Smallest spread that counts."""


@dataclass(frozen=True)
class Place:
    """Position in a picture of an upright crop of `side` pixels. `move` (2, 3) maps the picture's pixels to the crop's.

    `left`, `top`, `right` and `bottom` are the box around it in whole pixels of the picture.
    """

    move: Values
    side: int
    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def of(cls, move: Values, side: int, shape: tuple[int, ...]) -> "Place | None":
        """Return the place, or None if the crop lies wholly outside a picture of `shape`, (H, W, ...)."""
        corners = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float32) - np.float32(0.5)
        there = (corners - move[:, 2]) @ np.linalg.inv(move[:, :2]).T
        low, high = np.floor(there.min(axis=0)), np.ceil(there.max(axis=0)) + 1
        left, top = (int(max(0, number)) for number in low)
        right, bottom = int(min(shape[1], high[0])), int(min(shape[0], high[1]))
        return cls(move, side, left, top, right, bottom) if left < right and top < bottom else None

    @property
    def shape(self) -> tuple[int, int]:
        """Return the height and width of the box."""
        return self.bottom - self.top, self.right - self.left

    def meets(self, other: "Place") -> bool:
        """Return whether the two boxes overlap."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def of_picture(self, picture: Picture) -> Picture:
        """Return a view of the box in `picture`."""
        return picture[self.top : self.bottom, self.left : self.right]

    def sampling_grids(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Return grids for `grid_sample`: from the crop into the box, and from the box into the crop."""
        square, moved = (self.side, self.side), self._box_transform()
        steps = [*_steps(_inverse(moved), square, self.shape), *_steps(moved, self.shape, square)]
        columns, rows, across, down = array_to_device(np.concatenate(steps), device).split(
            [len(each) for each in steps]
        )
        return (columns + rows[:, None])[None], (across + down[:, None])[None]

    def _box_transform(self) -> Any:
        """Return `move` relative to the box."""
        moved = self.move.astype(np.float64).copy()
        moved[:, 2] += self.move[:, :2] @ [self.left, self.top]
        return moved


def upright(box: Tensor, way: Tensor) -> Tensor:
    """Warp the box, float (1, 3, H, W), to the upright crop (1, 3, side, side)."""
    return functional.grid_sample(box, way, mode="bilinear", padding_mode="border", align_corners=False)


def paste_back(face: Tensor, box: Tensor, way: Tensor, blend: float) -> Tensor:
    """Blend a face (1, 3, side, side) into the box (1, 3, H, W) that it was cropped from."""
    sheet = torch.cat([face, _mask(face.shape[-1], blend, box.device)], dim=1)
    warped = functional.grid_sample(sheet, way, mode="bilinear", padding_mode="zeros", align_corners=False)
    return torch.lerp(box, warped[:, :3], warped[:, 3:])


def match_colours(face: Tensor, model: Tensor) -> Tensor:
    """Return `face` (1, 3, S, S) with the mean and, within bounds, the spread of `model`'s colours under the mask."""
    both = torch.cat([face, model])
    weight = _weight(face.shape[-1], face.device)
    means = (both * weight).sum(dim=(2, 3), keepdim=True)
    spreads = ((both - means).square_() * weight).sum(dim=(2, 3), keepdim=True).sqrt_().clamp_(min=LEAST)
    ratio = (spreads[1:] / spreads[:1]).clamp_(*SPREAD)
    return torch.addcmul(means[1:], face - means[:1], ratio).clamp_(0, 1)


@lru_cache(16)
def _weight(side: int, device: torch.device) -> Tensor:
    """Return the mask normalised to a sum of 1."""
    mask = _mask(side, 1.0, device)
    return mask / mask.sum()


@lru_cache(16)
def _mask(side: int, blend: float, device: torch.device) -> Tensor:
    """Return a mask (1, 1, side, side): `blend` inside a rounded square, fading to 0 before the edge."""
    steps = (torch.arange(side, device=device) + 0.5) / side - 0.5
    straight = 0.5 - EDGE - CORNER
    beyond = (steps.abs() - straight).clamp(min=0)
    away = torch.hypot(beyond[None, :], beyond[:, None]) - CORNER
    share = (0.5 - away / SOFT).clamp(0, 1)
    return (share * share * (3 - 2 * share))[None, None] * blend


def _inverse(move: Any) -> Any:
    turn = np.linalg.inv(move[:, :2])
    return np.hstack([turn, (-turn @ move[:, 2])[:, None]])


def _steps(move: Any, here: tuple[int, int], there: tuple[int, int]) -> tuple[Values, Values]:
    """Return how much each column and row of `here`, (height, width), adds to a position in `there` after `move`.

    The shapes are (width, 2) and (height, 2), in torch's units of -1..1.
    """
    unit = 2 / np.array([there[1], there[0]])
    columns = np.arange(here[1])[:, None] * (move[:, 0] * unit)
    rows = np.arange(here[0])[:, None] * (move[:, 1] * unit) + ((move[:, 2] + 0.5) * unit - 1)
    return columns.astype(np.float32), rows.astype(np.float32)
