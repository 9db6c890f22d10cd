"""Compose pictures from recipes on the device."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

SIZE = 128


@dataclass
class Recipes:
    """Tensors of N recipes. The fields are those of :class:`recipes.Recipe`, stacked."""

    icons: Tensor
    place: Tensor
    paint: Tensor
    flip: Tensor
    ground: Tensor

    def at(self, rows: Tensor) -> "Recipes":
        """Return the recipes in the given rows."""
        return Recipes(self.icons[rows], self.place[rows], self.paint[rows], self.flip[rows], self.ground[rows])


def compose(rgba: Tensor, recipes: Recipes) -> Tensor:
    """Return pictures (B, 3, S, S) in -1..1 of B recipes, given the icons ``rgba`` uint8 (N, S, S, 4)."""
    picture = backdrop(recipes.ground, rgba.shape[1])
    for layer in range(recipes.icons.shape[1]):
        colour, alpha = place_layer(rgba, recipes, layer)
        picture = picture * (1 - alpha) + colour
    return picture * 2 - 1


def backdrop(ground: Tensor, size: int = SIZE) -> Tensor:
    """Return backgrounds (B, 3, S, S) for ``ground`` (B, 14): a starry sky over a ground, both vertical gradients."""
    y = torch.linspace(0, 1, size, device=ground.device)[None, None, :, None]
    horizon = ground[:, 12, None, None, None].clamp(0.05, 1)
    top, low, near, far = (ground[:, i : i + 3, None, None] for i in (0, 3, 6, 9))
    sky = top + (low - top) * (y / horizon).clamp(0, 1)
    land = near + (far - near) * ((y - horizon) / (1 - horizon + 1e-3)).clamp(0, 1)
    picture = torch.where(y <= horizon, sky, land).expand(-1, 3, size, size)
    return picture + (1 - picture) * stars(ground[:, 13], size) * (y <= horizon)


def stars(count: Tensor, size: int = SIZE) -> Tensor:
    """Return the light (B, 1, S, S) of about ``count`` (B,) stars of two pixels each."""
    half = size // 2
    lit = torch.rand(len(count), 1, half, half, device=count.device) < (count / half**2)[:, None, None, None]
    return functional.interpolate(lit.float(), size=(size, size), mode="bilinear") * 0.9


def place_layer(rgba: Tensor, recipes: Recipes, layer: int) -> tuple[Tensor, Tensor]:
    """Return the premultiplied colour (B, 3, S, S) and the alpha (B, 1, S, S) of one layer."""
    icon = recipes.icons[:, layer]
    source = rgba[icon.clamp(min=0).long()].permute(0, 3, 1, 2).float() / 255
    paint = recipes.paint[:, layer].float()
    colour = (torch.einsum("bij,bjhw->bihw", paint[:, :, :3], source[:, :3]) + paint[:, :, 3, None, None]).clamp(0, 1)
    alpha = source[:, 3:] * (icon >= 0)[:, None, None, None]
    moved = shrink(
        torch.cat([colour * alpha, alpha], 1), recipes.place[:, layer].float(), recipes.flip[:, layer].float()
    )
    return moved[:, :3], moved[:, 3:]


def shrink(layer: Tensor, place: Tensor, flip: Tensor) -> Tensor:
    """Scale and move a layer (B, 4, S, S) to ``place`` (B, 3), and mirror it by ``flip``.

    Four samples per pixel keep small icons smooth.
    """
    size = layer.shape[2]
    scale, x, y = place[:, 0].clamp(min=0.05), place[:, 1], place[:, 2]
    mirror, zero = 1 - 2 * flip, torch.zeros_like(scale)
    across = torch.stack([mirror / scale, zero, -x / scale * mirror], 1)
    down = torch.stack([zero, 1 / scale, -y / scale], 1)
    grid = functional.affine_grid(torch.stack([across, down], 1), [len(layer), 4, size, size], align_corners=False)
    step = (0.5 / size / scale)[:, None, None, None]
    taps = [
        grid + step * torch.tensor(s, device=grid.device) for s in ((1.0, 1.0), (-1.0, 1.0), (1.0, -1.0), (-1.0, -1.0))
    ]
    return torch.stack([functional.grid_sample(layer, tap, align_corners=False) for tap in taps]).mean(0)
