"""Find what a picture shows: the position of the face or the salient area, and a rough depth of each part."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.weights import registry

Picture = NDArray[np.uint8]
Depth = NDArray[np.float32]

SIDE_PIXELS = 256
"""Longer side of the picture for analysis."""
SALIENCY_PIXELS = 64
"""Side at which saliency is computed, as in the paper."""


@dataclass(frozen=True)
class Focus:
    """The point to look at, as fractions of width and height.

    `depth` (h, w) is smooth and smaller than the picture, from 0 (far) to 1 (near). `has_face` is True for a face.
    """

    x: float
    y: float
    depth: Depth
    has_face: bool = False


def find_focus(picture: Picture, folder: Path) -> Focus:
    """Return where to look in RGB (H, W, 3). Faces are found if the weights `folder` holds the networks for them."""
    height, width = picture.shape[:2]
    scale = SIDE_PIXELS / max(height, width)
    small = cv2.resize(
        picture, (max(8, round(width * scale)), max(8, round(height * scale))), interpolation=cv2.INTER_AREA
    )
    head = _find_head(picture, folder)
    near = _bust_mask(head, small.shape[:2]) if head else _salient_mask(small)
    x, y = (head.x, head.y) if head else _centroid(near)
    return Focus(x, y, _rough_depth(near), head is not None)


@dataclass(frozen=True)
class _Head:
    """The centre of a face as fractions of width and height, its size as a fraction of the height, and its roll.

    `roll` is in radians, clockwise.
    """

    x: float
    y: float
    size: float
    roll: float


def _find_head(picture: Picture, folder: Path) -> _Head | None:
    """Return the largest face, in any orientation, or None."""
    from engine.vision.faces.reader import WEIGHT, FaceReader  # loads LiteRT

    if not registry.find_weight(WEIGHT).is_complete(folder):
        return None
    faces = FaceReader(folder).faces(picture)
    if not faces:
        return None
    face = max(faces, key=lambda face: face.area)
    left, top, right, bottom = face.box
    height, width = picture.shape[:2]
    tall = max(bottom - top, right - left) if abs(np.sin(face.roll)) > 0.5 else bottom - top
    return _Head((left + right) / 2 / width, (top + bottom) / 2 / height, tall / height, face.roll)


def _bust_mask(head: _Head, size: tuple[int, int]) -> Depth:
    """Return a mask (H, W) of `size`: 1 on the head and on the shoulders below the chin, 0 elsewhere."""
    height, width = size
    near = np.zeros((height, width), np.float32)
    x, y, tall = round(head.x * width), round(head.y * height), max(2, round(head.size * height))
    degrees, down = float(np.degrees(head.roll)), np.array([-np.sin(head.roll), np.cos(head.roll)])
    chest = round(x + 2 * tall * float(down[0])), round(y + 2 * tall * float(down[1]))
    cv2.ellipse(near, (x, y), (round(tall * 0.62), round(tall * 0.8)), degrees, 0, 360, 1.0, -1)
    cv2.ellipse(near, chest, (round(tall * 1.5), round(tall * 1.3)), degrees, 0, 360, 1.0, -1)
    return near


def _salient_mask(small: Picture) -> Depth:
    """Return a mask of the salient area.

    It combines the spectral residual (Hou and Zhang, 2007) with the distance from the colours at the border.
    """
    grey = cv2.resize(
        cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (SALIENCY_PIXELS, SALIENCY_PIXELS), interpolation=cv2.INTER_AREA
    )
    spectrum = np.fft.fft2(grey.astype(np.float32))
    logarithm = np.log(np.abs(spectrum) + 1e-6).astype(np.float32)
    residual = logarithm - cv2.blur(logarithm, (3, 3))
    saliency = np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2
    residue = cv2.GaussianBlur(saliency.astype(np.float32), (0, 0), 3)
    height, width = small.shape[:2]
    residue = cv2.resize(residue / max(float(residue.max()), 1e-9), (width, height))
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float32)
    border = np.concatenate([lab[0], lab[-1], lab[:, 0], lab[:, -1]])
    apart = np.linalg.norm(lab - np.median(border, axis=0), axis=2)
    apart = apart / max(float(np.percentile(apart, 98)), 1e-6)
    away = np.hypot(np.linspace(-1, 1, width)[None], np.linspace(-1, 1, height)[:, None])
    mixed = (0.5 * residue + apart.clip(0, 1)) * np.exp(-(away**2) / 0.9)
    threshold = max(float(mixed.mean()) * 1.2, 0.25 * float(mixed.max()))
    return np.asarray(mixed > threshold, np.float32)


def _centroid(near: Depth) -> tuple[float, float]:
    height, width = near.shape
    total = float(near.sum())
    if total < 0.01 * near.size:
        return 0.5, 0.5
    x = float((near.sum(axis=0) * (np.arange(width) + 0.5)).sum() / total / width)
    y = float((near.sum(axis=1) * (np.arange(height) + 0.5)).sum() / total / height)
    return x, y


def _rough_depth(near: Depth) -> Depth:
    """Return a depth map: the near area as a body with soft edges, in front of ground that gets nearer towards the
    bottom.
    """
    height, width = near.shape
    longer = max(height, width)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (longer // 16 * 2 + 1, longer // 16 * 2 + 1))
    body = cv2.dilate(cv2.morphologyEx(near, cv2.MORPH_CLOSE, kernel), kernel[::2, ::2])
    body = cv2.GaussianBlur(body, (0, 0), longer / 13)
    body = body / max(float(body.max()), 1e-6)
    ground = np.linspace(0, 1, height, dtype=np.float32)[:, None] ** 2
    return np.asarray(np.maximum(0.75 * body + 0.1 * ground, 0.45 * ground), np.float32)
