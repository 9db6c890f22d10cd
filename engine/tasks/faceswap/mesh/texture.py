"""Warps a face's texture over another's mesh, then matches colours and blends. Nothing here is learned."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.tasks.faceswap.mesh import colour, mask, poisson
from engine.tasks.faceswap.mesh.warp import Indices, Region, triangles, warp_texture
from engine.tasks.faceswap.occlusion import COVERED, DARK, has_dark_glasses
from engine.vision.faces.face import LEFT_EYE, MOUTH, RIGHT_EYE, Face

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]

MARGIN = 0.08
"""Margin around the face's box that is processed, as a share of its longer side."""
WHOLE, CORE = 0.94, 0.7
"""Outlines as shares of the face: the replaced part, and the part that is surely face. Hair may hang between."""
FEATHER = 0.06
"""Width of the soft edge as a share of the face's width."""
LIGHT = 0.12
"""Share of the face's width over which colours change by lighting alone."""
REACH = 0.1
"""How far the surrounding colours reach in from the edge, as a share of the face's width."""
ASIDE_DEGREES = 20.0
"""Yaw in degrees from which the source's hidden half is mirrored from its visible one, except the eyes."""
DIM = 0.62
"""Lightness of the edge of glasses relative to the skin's."""
COVERS = 0.13
"""How far glasses reach around the eyes, as a share of the face's width."""
OPEN_MOUTH = 0.02
"""Opening over the face's height from which a mouth shows its inside."""
OPEN_EYE = 0.16
"""Height over width from which an eye is open."""


@dataclass(frozen=True)
class Texture:
    """A source's face ready to be put on others: its picture, the face in it, and its mesh.

    `mirrored` is the same of the mirrored picture, for what a face that looks aside does not show.
    """

    picture: Picture
    face: Face
    mesh: Indices
    mirrored: "Texture | None" = None
    covered: bool = False
    """Whether dark glasses hide its eyes. The target's eyes are kept then."""

    @classmethod
    def of(cls, picture: Picture, face: Face, faces: Callable[[Picture], Sequence[Face]]) -> "Texture":
        """Return the texture of `face` in `picture`. `faces` finds the faces of a picture."""
        region = Region.around(face, picture.shape, 0.6)
        cut, inside = np.ascontiguousarray(region.of(picture)), face.shift_by(-region.left, -region.top)
        turned = np.ascontiguousarray(cut[:, ::-1])
        found = faces(turned) if abs(face.yaw) > ASIDE_DEGREES else ()
        other = max(found, key=lambda one: one.area, default=None)
        mirrored = cls(turned, other, triangles(other)) if other else None
        return cls(cut, inside, triangles(face), mirrored, has_dark_glasses(cut, inside.points))

    def warp_to(self, face: Face, region: Region) -> Picture:
        """Return the texture as it would look on `face`, as large as `region`."""
        width = face.width
        source = self._about(width)
        bent = warp_texture(source.picture, source.face.points[:, :2], face, region, source.mesh)
        if self.mirrored is None:
            return bent
        hidden = mask.half(region.points(face), region.shape, right=self.face.yaw > 0)
        share = mask.soften(hidden, 0.08 * width)[..., None]
        return (bent + share * (self.mirrored.warp_to(face, region) - bent.astype(np.float32))).astype(np.uint8)

    def _about(self, width: float) -> "Texture":
        """Return the texture shrunk to what a face of `width` pixels needs, so that drawing it skips no pixels."""
        scale = width / self.face.width
        if scale > 0.75:
            return self
        height, wide = self.picture.shape[:2]
        size = max(2, round(wide * scale)), max(2, round(height * scale))
        factor = np.array([size[0] / wide, size[1] / height, scale], np.float32)
        shrunk = cv2.resize(self.picture, size, interpolation=cv2.INTER_AREA)
        return Texture(shrunk, Face(self.face.points * factor, self.face.score), self.mesh, covered=self.covered)


def put(texture: Texture, picture: Picture, face: Face, blend: float) -> None:
    """Put the texture on `face` of `picture`, uint8 (H, W, 3) RGB, in place. A `blend` of 0 keeps the face."""
    width = face.width
    region = Region.around(face, picture.shape, MARGIN)
    around, points = region.of(picture), region.points(face)
    whole, core = mask.outline(points, region.shape, WHOLE), mask.skin(points, region.shape, CORE)
    seen = colour.lab_of(around)
    glasses = _glasses(seen, points, colour.Tone.of(seen, core), width)
    bent = colour.lab_of(texture.warp_to(face, region))
    if texture.covered:
        reach = mask.holes(points, region.shape, (RIGHT_EYE, LEFT_EYE), COVERS * width)
        glasses = np.maximum(np.maximum(glasses, reach), _worn(bent, points, colour.Tone.of(bent, core), width))
    core &= glasses < 0.5
    plain = whole * (1 - mask.features(points, region.shape)) * (1 - glasses)
    own = colour.Skin.of(bent, core, plain)
    model = colour.Skin.of(seen, core, plain)
    coloured = colour.match_colours(own.lab, own, model, LIGHT * width)
    clear = own.share * model.share
    taken = whole * np.maximum(_inner_part(points, region.shape), mask.soften(clear, 0.02 * width))
    blended = coloured + _membrane(around - coloured, whole, clear, width)
    kept = np.maximum(_keep_mask(points, region.shape, texture, face, width), mask.soften(glasses, 0.02 * width))
    alpha = mask.soften(_inner(taken, FEATHER * width), FEATHER * width) * (1 - kept) * np.float32(blend)
    mixed = around + alpha[..., None] * (blended - around)
    around[...] = (mixed + 0.5).clip(0, 255).astype(np.uint8)


def _inner_part(points: Values, shape: tuple[int, int]) -> Values:
    """Return the part that is face whatever its colour: the middle and the brows."""
    return np.maximum(mask.outline(points, shape, CORE), mask.holes(points, shape, mask.BROWS))


def _membrane(difference: Values, whole: Values, clear: Values, width: float) -> Values:
    rim = (whole - _inner(whole, FEATHER * width)).clip(0, 1) * (clear > 0.5)
    return poisson.membrane(difference, poisson.ordinary(difference, rim), REACH * width)


def _inner(inside: Values, pixels: float) -> Values:
    size = 2 * max(1, round(pixels)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    inner: Values = cv2.erode(inside, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=1)
    return inner


def _glasses(lab: Values, points: Values, tone: colour.Tone, width: float) -> Values:
    """Return (H, W), 1 in dark glasses, which stay on the target: the dark part around eyes that are mostly covered."""
    dark, shape = (lab[..., 0] < DARK * tone.middle[0]).astype(np.float32), lab.shape[:2]
    for rim in (RIGHT_EYE, LEFT_EYE):
        near = mask.holes(points, shape, [rim], 0.04 * width) > 0
        if not near.any() or dark[near].mean() < COVERED:
            return np.zeros(shape, np.float32)
    return _worn(lab, points, tone, width)


def _worn(lab: Values, points: Values, tone: colour.Tone, width: float) -> Values:
    """Return (H, W), 1 in what is dark around the eyes and a little beyond."""
    dark, shape = (lab[..., 0] < DIM * tone.middle[0]).astype(np.float32), lab.shape[:2]
    worn = dark * mask.holes(points, shape, (RIGHT_EYE, LEFT_EYE), 0.2 * width)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * max(1, round(0.03 * width)) + 1,) * 2)
    grown: Values = cv2.dilate(worn, kernel)
    return grown


def _keep_mask(points: Values, shape: tuple[int, int], texture: Texture, face: Face, width: float) -> Values:
    """Return what stays of the target: an open mouth where the source's is shut, and eyes if one face's are shut."""
    source = texture.face
    rims: list[tuple[int, ...]] = []
    if min(source.mouth_opening, face.mouth_opening) < OPEN_MOUTH:
        rims.append(MOUTH)
    for rim, own, other in zip((RIGHT_EYE, LEFT_EYE), source.eye_opening, face.eye_opening, strict=True):
        if texture.mirrored or (own < OPEN_EYE) != (other < OPEN_EYE):
            rims.append(rim)
    grown = mask.holes(points, shape, rims, 0.012 * width)
    return mask.soften(grown, 0.02 * width)
