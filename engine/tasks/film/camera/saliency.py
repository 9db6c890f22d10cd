"""What a picture is of: where its face or what stands out is, and how near each part of it seems to be."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.weights import registry

Picture = NDArray[np.uint8]
Depth = NDArray[np.float32]

SIDE = 256
"""Pixels of the picture's longer side when it is looked at."""
SALIENT = 64
"""Pixels of the side at which what stands out is sought, as the method's authors did."""


@dataclass(frozen=True)
class Focus:
    """`x` and `y` are in shares of the picture's width and height. `depth` (h, w) is 1 for the nearest and 0 for the
    farthest, smooth, of a smaller size than the picture. `faced` says that it is a face.
    """

    x: float
    y: float
    depth: Depth
    faced: bool = False


def focus_of(picture: Picture, folder: Path) -> Focus:
    """RGB (H, W, 3) -> where to look. The weights `folder` may hold the networks that find faces."""
    height, width = picture.shape[:2]
    scale = SIDE / max(height, width)
    small = cv2.resize(
        picture, (max(8, round(width * scale)), max(8, round(height * scale))), interpolation=cv2.INTER_AREA
    )
    head = _face(picture, folder)
    near = _bust(head, small.shape[:2]) if head else _standing_out(small)
    x, y = (head.x, head.y) if head else _middle(near)
    return Focus(x, y, _depth(near), head is not None)


@dataclass(frozen=True)
class _Head:
    """A face's middle in shares of the picture's width and height, its size in shares of the height, and its roll.

    `roll` is in radians clockwise.
    """

    x: float
    y: float
    size: float
    roll: float


def _face(picture: Picture, folder: Path) -> _Head | None:
    """Return the largest face, whichever way up it is, or None."""
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


def _bust(head: _Head, size: tuple[int, int]) -> Depth:
    """Return (H, W) of `size`: 1 on the head and on the shoulders below its chin, 0 elsewhere."""
    height, width = size
    near = np.zeros((height, width), np.float32)
    x, y, tall = round(head.x * width), round(head.y * height), max(2, round(head.size * height))
    degrees, down = float(np.degrees(head.roll)), np.array([-np.sin(head.roll), np.cos(head.roll)])
    chest = round(x + 2 * tall * float(down[0])), round(y + 2 * tall * float(down[1]))
    cv2.ellipse(near, (x, y), (round(tall * 0.62), round(tall * 0.8)), degrees, 0, 360, 1.0, -1)
    cv2.ellipse(near, chest, (round(tall * 1.5), round(tall * 1.3)), degrees, 0, 360, 1.0, -1)
    return near


def _standing_out(small: Picture) -> Depth:
    """What stands out, as 1: spectral residual (Hou and Zhang, 2007) and the distance from the border's colours."""
    grey = cv2.resize(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (SALIENT, SALIENT), interpolation=cv2.INTER_AREA)
    spectrum = np.fft.fft2(grey.astype(np.float32))
    logarithm = np.log(np.abs(spectrum) + 1e-6).astype(np.float32)
    residual = logarithm - cv2.blur(logarithm, (3, 3))
    found = np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2
    residue = cv2.GaussianBlur(found.astype(np.float32), (0, 0), 3)
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


def _middle(near: Depth) -> tuple[float, float]:
    height, width = near.shape
    total = float(near.sum())
    if total < 0.01 * near.size:
        return 0.5, 0.5
    x = float((near.sum(axis=0) * (np.arange(width) + 0.5)).sum() / total / width)
    y = float((near.sum(axis=1) * (np.arange(height) + 0.5)).sum() / total / height)
    return x, y


def _depth(near: Depth) -> Depth:
    """What is near, closed to a body with soft edges, before ground that comes nearer towards the lower border."""
    height, width = near.shape
    longer = max(height, width)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (longer // 16 * 2 + 1, longer // 16 * 2 + 1))
    body = cv2.dilate(cv2.morphologyEx(near, cv2.MORPH_CLOSE, kernel), kernel[::2, ::2])
    body = cv2.GaussianBlur(body, (0, 0), longer / 13)
    body = body / max(float(body.max()), 1e-6)
    ground = np.linspace(0, 1, height, dtype=np.float32)[:, None] ** 2
    return np.asarray(np.maximum(0.75 * body + 0.1 * ground, 0.45 * ground), np.float32)
