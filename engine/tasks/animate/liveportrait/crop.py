"""Crops the upright square around a face that LivePortrait sees, and pastes it back on the device."""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from engine.vision.faces.face import Face

Picture = NDArray[np.uint8]

SIDE_PIXELS = 512
"""Side of the square in pixels."""
MARGIN = 1.9
"""Side of the square relative to the longer side of the face's points."""
UPWARD_SHARE = 0.08
"""Shift of the square above the centre of the points, as a share of its side."""
FEATHER_SHARE = 0.12
"""Width of the soft edge as a share of the square's side."""


@dataclass(frozen=True)
class Crop:
    """`seen` is uint8 (512, 512, 3); `way` (2, 3) maps pixels of the picture to pixels of the crop."""

    seen: Picture
    way: NDArray[np.float64]

    @classmethod
    def of(cls, picture: Picture, face: Face) -> "Crop":
        """Return the upright crop around `face`."""
        turn = np.array([[np.cos(face.roll), np.sin(face.roll)], [-np.sin(face.roll), np.cos(face.roll)]])
        upright = face.points[:, :2] @ turn.T
        low, high = upright.min(axis=0), upright.max(axis=0)
        side = MARGIN * float((high - low).max())
        middle = (low + high) / 2 - np.array([0, UPWARD_SHARE * side])
        scale = SIDE_PIXELS / side
        way = np.hstack([turn * scale, (SIDE_PIXELS / 2 - middle * scale)[:, None]])
        border = cv2.BORDER_REPLICATE
        seen = cv2.warpAffine(
            picture,
            way,
            (SIDE_PIXELS, SIDE_PIXELS),
            flags=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC,
            borderMode=border,
        )
        return cls(np.asarray(seen, np.uint8), way)


class Paste:
    """Pastes generated squares into the box of `picture` that they cover. Only that box is copied."""

    def __init__(self, picture: Picture, crop: Crop, device: torch.device) -> None:
        height, width = picture.shape[:2]
        corners = np.array([[0, 0], [SIDE_PIXELS, 0], [SIDE_PIXELS, SIDE_PIXELS], [0, SIDE_PIXELS]], np.float64) - 0.5
        back = cv2.invertAffineTransform(crop.way)
        reached = corners @ back[:, :2].T + back[:, 2]
        left, top = np.maximum(0, np.floor(reached.min(axis=0))).astype(int)
        right, bottom = np.minimum([width, height], np.ceil(reached.max(axis=0)) + 1).astype(int)
        self.box = slice(int(top), int(bottom)), slice(int(left), int(right))
        across, down = np.meshgrid(np.arange(left, right), np.arange(top, bottom))
        places = np.stack([across, down], axis=-1) @ crop.way[:, :2].T + crop.way[:, 2]
        grid = (places + 0.5) / SIDE_PIXELS * 2 - 1
        self._grid = torch.from_numpy(grid.astype(np.float32)).to(device)[None]
        edge = np.minimum(
            SIDE_PIXELS / 2 - np.abs(places - (SIDE_PIXELS - 1) / 2).max(axis=-1), FEATHER_SHARE * SIDE_PIXELS
        ) / (FEATHER_SHARE * SIDE_PIXELS)
        mask = np.clip(edge, 0, 1) ** 2 * (3 - 2 * np.clip(edge, 0, 1))
        self._mask = torch.from_numpy(mask.astype(np.float32)).to(device)
        base = torch.from_numpy(np.ascontiguousarray(picture[self.box])).to(device).permute(2, 0, 1).float()
        self._base = base * (1 - self._mask)

    def paste(self, painted: Tensor) -> Tensor:
        """Blend squares (N, 3, 512, 512) in 0..1 into the box. Return it as uint8 (N, h, w, 3)."""
        grid = self._grid.expand(len(painted), *self._grid.shape[1:])
        bent = functional.grid_sample(painted.float(), grid, align_corners=False, padding_mode="border")
        whole = self._base + bent * (255 * self._mask)
        return whole.round_().clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()
