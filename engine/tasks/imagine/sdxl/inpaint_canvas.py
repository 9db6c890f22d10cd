"""The canvas of an edit: the page that comes out, the window that the model sees, and the mask of what it may draw."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import BadInput
from engine.tasks.imagine.sdxl.resolution import Extent, multiple_of_8, of_ratio

if TYPE_CHECKING:
    from PIL import Image

Picture = NDArray[np.uint8]
Mask = NDArray[np.uint8]

ZOOM_FACTOR = 1.5
"""How much a zoomed-out picture shrinks."""
MAX_SIDE_RATIO = 4
"""Longest side of a panned picture, in sides of the model's square."""
MAX_AREA_RATIO = 1.5
"""Area, in multiples of the model's, above which only the region around the mask is redrawn, at full resolution."""


@dataclass(frozen=True)
class Canvas:
    """`page` is (H, W, 3); `mask` (H, W) is 255 where the model draws; `window` is left, top, right, bottom."""

    page: Picture
    mask: Mask
    window: tuple[int, int, int, int]
    extent: Extent

    def begun(self) -> "Image.Image":
        """Return the starting picture at the size that the model draws."""
        return self._crop_window(self.page, "LANCZOS")

    def mask_image(self) -> "Image.Image":
        """Return the mask, white where the model draws, at the same size."""
        return self._crop_window(self.mask, "NEAREST")

    def composite(self, drawn: Picture) -> Picture:
        """Return the page with the drawn picture, blended inwards at the mask's edge and unchanged outside it."""
        from PIL import Image

        left, top, right, bottom = self.window
        fitted = Image.fromarray(drawn).resize((right - left, bottom - top), Image.Resampling.LANCZOS)
        page, share = self.page.copy(), self._share()[top:bottom, left:right, None]
        mixed = page[top:bottom, left:right] * (1 - share) + np.asarray(fitted) * share
        page[top:bottom, left:right] = np.round(mixed).astype(np.uint8)
        return page

    def _share(self) -> NDArray[np.float32]:
        """Return the drawn picture's opacity: 0 outside the mask, rising to 1 within a hundredth of the page."""
        import cv2

        reach = max(1, min(self.mask.shape) // 100)
        padded = cv2.copyMakeBorder(np.ascontiguousarray(self.mask), reach, reach, reach, reach, cv2.BORDER_REPLICATE)
        inner = cv2.erode(padded, np.ones((reach, reach), np.uint8))
        soft = cv2.GaussianBlur(inner, (0, 0), reach / 3)[reach:-reach, reach:-reach]
        return np.where(self.mask > 0, soft, 0).astype(np.float32) / np.float32(255)

    def _crop_window(self, part: NDArray[np.uint8], how: str) -> "Image.Image":
        from PIL import Image

        left, top, right, bottom = self.window
        return Image.fromarray(np.ascontiguousarray(part[top:bottom, left:right])).resize(
            self.extent, Image.Resampling[how]
        )


def inpainting(picture: Picture, mask: Picture, side: int) -> Canvas:
    """Return a canvas that redraws `picture` where `mask`, (h, w, 3) of any size, is white.

    Raises BadInput for a mask that is black all over.
    """
    from PIL import Image

    height, width = picture.shape[:2]
    fitted = Image.fromarray(mask).convert("L").resize((width, height), Image.Resampling.BILINEAR)
    hole = np.where(np.asarray(fitted) > 127, 255, 0).astype(np.uint8)
    if not hole.any():
        raise BadInput("mask is completely black. Paint white where the picture should change.")
    window = (0, 0, width, height) if width * height <= MAX_AREA_RATIO * side**2 else _around(hole, side)
    left, top, right, bottom = window
    return Canvas(picture, hole, window, of_ratio((right - left) / (bottom - top), side))


def extending(picture: Picture, towards: str, side: int) -> Canvas:
    """Return a canvas that extends a picture on all sides (`out`), or to `left`, `right`, `up` or `down`. Raises
    BadInput.
    """
    if towards == "out":
        return _zoomed_out(picture, side)
    upright, beginning = towards in ("up", "down"), towards in ("left", "up")
    turned = picture.swapaxes(0, 1) if upright else picture
    canvas = _panned_right(turned[:, ::-1] if beginning else turned, side)
    canvas = _flip(canvas) if beginning else canvas
    return _transpose(canvas) if upright else canvas


def _flip(canvas: Canvas) -> Canvas:
    """Return the canvas mirrored left to right."""
    left, top, right, bottom = canvas.window
    width = canvas.mask.shape[1]
    return Canvas(canvas.page[:, ::-1], canvas.mask[:, ::-1], (width - right, top, width - left, bottom), canvas.extent)


def _transpose(canvas: Canvas) -> Canvas:
    """Return the canvas with rows and columns swapped."""
    left, top, right, bottom = canvas.window
    page, mask = canvas.page.swapaxes(0, 1), canvas.mask.swapaxes(0, 1)
    return Canvas(page, mask, (top, left, bottom, right), canvas.extent[::-1])


def _zoomed_out(picture: Picture, side: int) -> Canvas:
    """Return a canvas with the picture in the middle of a page of the model's size."""
    height, width = picture.shape[:2]
    extent = of_ratio(width / height, side)
    inner = _resize(picture, (round(extent[0] / ZOOM_FACTOR), round(extent[1] / ZOOM_FACTOR)))
    across, down = extent[0] - inner.shape[1], extent[1] - inner.shape[0]
    page, mask = _add_border(inner, down // 2, down - down // 2, across // 2, across - across // 2)
    return Canvas(page, mask, (0, 0, *extent), extent)


def _panned_right(picture: Picture, side: int) -> Canvas:
    """Return a canvas extended by half a window to the right, at the picture's own resolution where possible."""
    height, width = picture.shape[:2]
    tall = multiple_of_8(min(max(height, side * 3 / 4), side))
    across = max(8, multiple_of_8(width * tall / height))
    reach = min(multiple_of_8(side**2 / tall), 2 * across)
    new = multiple_of_8(reach / 2)
    if across + new > MAX_SIDE_RATIO * side:
        raise BadInput(
            "The picture would be {count:,} pixel long; the limit is {most:,}. Zoom out instead.",
            plural="The picture would be {count:,} pixels long; the limit is {most:,}. Zoom out instead.",
            count=across + new,
            most=MAX_SIDE_RATIO * side,
        )
    page, mask = _add_border(_resize(picture, (across, tall)), 0, 0, 0, new)
    return Canvas(page, mask, (across + new - reach, 0, across + new, tall), (reach, tall))


def _add_border(inner: Picture, top: int, bottom: int, left: int, right: int) -> tuple[Picture, Mask]:
    """Return a page and its mask with a blurred reflection around `inner`. It shows only if `strength` is below 1."""
    import cv2

    height, width = inner.shape[:2]
    page = cv2.copyMakeBorder(inner, top, bottom, left, right, cv2.BORDER_REFLECT)
    page = cv2.GaussianBlur(page, (0, 0), max(height, width) / 32)
    page[top : top + height, left : left + width] = inner
    mask = np.full(page.shape[:2], 255, np.uint8)
    lap = max(1, min(height, width) // 32)
    mask[_kept_slice(top, bottom, height, lap), _kept_slice(left, right, width, lap)] = 0
    return page, mask


def _kept_slice(before: int, after: int, length: int, lap: int) -> slice:
    """Return the part of the old picture on one axis that is not redrawn at a former edge of the page."""
    return slice(before + (lap if before else 0), before + length - (lap if after else 0))


def _around(hole: Mask, side: int) -> tuple[int, int, int, int]:
    """Return a window around the mask, half as large again and at least the model's size."""
    rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
    left, right = _widen(int(columns[0]), int(columns[-1]) + 1, side, hole.shape[1])
    top, bottom = _widen(int(rows[0]), int(rows[-1]) + 1, side, hole.shape[0])
    return left, top, right, bottom


def _widen(begin: int, end: int, least: int, most: int) -> tuple[int, int]:
    length = min(max(round((end - begin) * 1.5), least), most)
    begin = min(max((begin + end - length) // 2, 0), most - length)
    return begin, begin + length


def _resize(picture: Picture, extent: Extent) -> Picture:
    from PIL import Image

    return np.asarray(Image.fromarray(np.ascontiguousarray(picture)).resize(extent, Image.Resampling.LANCZOS))
