"""Previews latents without the VAE."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


class Previewer:
    """A linear map from a latent's channels to colours, fitted to the first pictures drawn."""

    def __init__(self) -> None:
        self._colours: NDArray[np.floating] | None = None

    @property
    def knows(self) -> bool:
        """Return whether the map has been fitted."""
        return self._colours is not None

    def learn(self, latents: NDArray[np.float32], pictures: "list[Picture]") -> None:
        """Fit the map from `latents` (N, C, h, w) to the pictures, shrunk to (h, w), by least squares."""
        from PIL import Image

        height, width = latents.shape[-2:]
        small = [
            np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BOX)) for picture in pictures
        ]
        colours = np.stack(small).reshape(-1, 3).astype(np.float64)
        self._colours = np.linalg.lstsq(_rows(latents), colours, rcond=None)[0]

    def look(self, latents: NDArray[np.float32]) -> Picture | None:
        """Return the previews side by side, (h, N * w, 3), or None before `learn`."""
        if self._colours is None:
            return None
        count, _, height, width = latents.shape
        seen = (_rows(latents) @ self._colours).clip(0, 255).astype(np.uint8).reshape(count, height, width, 3)
        return np.concatenate(list(seen), axis=1)


def _rows(latents: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return a row for each position: its channels, and 1 for the offset."""
    flat: Any = np.moveaxis(latents, 1, -1).reshape(-1, latents.shape[1]).astype(np.float64)
    return np.concatenate([flat, np.ones((len(flat), 1))], axis=1)
