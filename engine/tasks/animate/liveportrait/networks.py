"""LivePortrait's five networks in torch. Their widths are parameters, so that checkpoints of any width load.

Shapes: appearance maps (N, 3, 256, 256) to (N, 32, 16, 64, 64); motion maps (N, 3, 256, 256) to seven heads;
warping takes those features with driving and source key points (N, 21, 3) and returns (N, 256, 64, 64), from which
the generator makes (N, 3, 512, 512).
"""

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.tasks.animate.liveportrait.blocks import Block, ChannelNorm, Down, Residual, Same, SpadeResidual, Up

POINTS, BINS = 21, 66
"""Key points, and bins of an angle."""
DEPTH, CHANNELS = 16, 32
"""Depth and channels of the three-dimensional features."""
HEADS = {"kp": 3 * POINTS, "scale": 1, "pitch": BINS, "yaw": BINS, "roll": BINS, "t": 3, "exp": 3 * POINTS}
"""Heads of the motion extractor with their sizes."""


@dataclass(frozen=True)
class Widths:
    """Channels, by default those of the published networks. `stages` are the blocks in ConvNeXt V2's four stages."""

    appearance: tuple[int, int, int] = (64, 128, 256)
    residuals: int = 6
    motion: tuple[int, ...] = (96, 192, 384, 768)
    stages: tuple[int, ...] = (3, 3, 9, 3)
    hourglass: tuple[int, ...] = (64, 128, 256, 512, 1024)
    compress: int = 4
    warped: int = 256
    generated: tuple[int, int] = (256, 64)
    spade: int = 128
    stitching: tuple[int, ...] = (128, 128, 64)
    eyes: tuple[int, ...] = (256, 256, 128, 128, 64)
    lips: tuple[int, ...] = (128, 128, 64)


class Appearance(nn.Module):
    """The appearance feature extractor."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        low, middle, high = widths.appearance
        self.first = Same(3, low)
        self.down_blocks = nn.ModuleList(
            Down(given, made, nn.Conv2d, nn.BatchNorm2d, nn.AvgPool2d(2))
            for given, made in ((low, middle), (middle, high))
        )
        self.second = nn.Conv2d(high, CHANNELS * DEPTH, 1)
        self.resblocks_3d = nn.ModuleDict({f"3dr{at}": Residual(CHANNELS) for at in range(widths.residuals)})

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for down in self.down_blocks:
            x = down(x)
        x = self.second(x)
        x = x.view(len(x), CHANNELS, DEPTH, *x.shape[2:])
        for residual in self.resblocks_3d.values():
            x = residual(x)
        return x


class Motion(nn.Module):
    """ConvNeXt V2 with heads for pose, expression, scale and key points."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        self.detector = _Detector(widths)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        found: dict[str, Tensor] = self.detector(x)
        return found


class _Detector(nn.Module):
    def __init__(self, widths: Widths) -> None:
        super().__init__()
        sizes = widths.motion
        stem = nn.Sequential(nn.Conv2d(3, sizes[0], 4, 4), ChannelNorm(sizes[0]))
        halves = (
            nn.Sequential(ChannelNorm(given), nn.Conv2d(given, made, 2, 2)) for given, made in itertools.pairwise(sizes)
        )
        self.downsample_layers = nn.ModuleList([stem, *halves])
        self.stages = nn.ModuleList(
            nn.Sequential(*(Block(size) for _ in range(count)))
            for size, count in zip(sizes, widths.stages, strict=True)
        )
        self.norm = nn.LayerNorm(sizes[-1], eps=1e-6)
        for name, made in HEADS.items():
            setattr(self, f"fc_{name}", nn.Linear(sizes[-1], made))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        for half, stage in zip(self.downsample_layers, self.stages, strict=True):
            x = stage(half(x))
        x = self.norm(x.mean((-2, -1)))
        return {name: getattr(self, f"fc_{name}")(x) for name in HEADS}


class _Encoder(nn.Module):
    def __init__(self, sizes: tuple[int, ...]) -> None:
        super().__init__()
        pool = nn.AvgPool3d((1, 2, 2))
        pairs = itertools.pairwise(sizes)
        self.down_blocks = nn.ModuleList(Down(given, made, nn.Conv3d, nn.BatchNorm3d, pool) for given, made in pairs)

    def forward(self, x: Tensor) -> list[Tensor]:
        held = [x]
        for down in self.down_blocks:
            held.append(down(held[-1]))
        return held


class _Decoder(nn.Module):
    def __init__(self, sizes: tuple[int, ...], given: int) -> None:
        super().__init__()
        base = max(1, sizes[0] // 2)
        made = (base, *sizes[:-1])[::-1]
        taken = (sizes[-1], *(2 * size for size in sizes[:-1][::-1]))
        self.up_blocks = nn.ModuleList(Up(one, other) for one, other in zip(taken, made, strict=True))
        self.out_filters = base + given
        self.conv = nn.Conv3d(self.out_filters, self.out_filters, 3, padding=1)
        self.norm = nn.BatchNorm3d(self.out_filters)

    def forward(self, held: list[Tensor]) -> Tensor:
        out = held.pop()
        for up in self.up_blocks:
            out = torch.cat([up(out), held.pop()], dim=1)
        return functional.relu(self.norm(self.conv(out)))


class _Hourglass(nn.Module):
    def __init__(self, sizes: tuple[int, ...], given: int) -> None:
        super().__init__()
        self.encoder = _Encoder((given, *sizes))
        self.decoder = _Decoder(sizes, given)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.decoder(self.encoder(x))
        return out


class _DenseMotion(nn.Module):
    """Predicts how each position moves, as a mixture of the key points' motions, and where it is occluded."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        self.hourglass = _Hourglass(widths.hourglass, (POINTS + 1) * (widths.compress + 1))
        wide = self.hourglass.decoder.out_filters
        self.mask = nn.Conv3d(wide, POINTS + 1, 7, padding=3)
        self.compress = nn.Conv3d(CHANNELS, widths.compress, 1)
        self.norm = nn.BatchNorm3d(widths.compress)
        self.occlusion = nn.Conv2d(wide * DEPTH, 1, 7, padding=3)

    def forward(self, feature: Tensor, driving: Tensor, source: Tensor) -> tuple[Tensor, Tensor]:
        count = len(driving)
        small = functional.relu(self.norm(self.compress(feature))).to(driving.dtype)
        grid = coordinates(small.shape[2:], driving)
        ways = grid - driving.view(count, POINTS, 1, 1, 1, 3) + source.view(-1, POINTS, 1, 1, 1, 3)
        ways = torch.cat([grid.expand(count, 1, *grid.shape[2:]), ways], dim=1)
        seen = torch.cat([_heat(grid, driving, source), _deform(small, ways)], dim=2)
        out = self.hourglass(seen.flatten(1, 2).to(feature.dtype))
        part = functional.softmax(self.mask(out).to(driving.dtype), dim=1)
        deformation = (ways * part.unsqueeze(-1)).sum(dim=1)
        return deformation, torch.sigmoid(self.occlusion(out.flatten(1, 2)))


class Warping(nn.Module):
    """Warps the features by the dense motion."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        self.third = Same(CHANNELS * DEPTH, widths.warped, leaky=True)
        self.fourth = nn.Conv2d(widths.warped, widths.warped, 1)
        self.dense_motion_network = _DenseMotion(widths)

    def forward(self, feature: Tensor, driving: Tensor, source: Tensor) -> Tensor:
        """Warp one picture's `feature` for one or several `driving` sets.

        Positions are computed in the key points' fp32, since the features' fp16 is too coarse.
        """
        deformation, bare = self.dense_motion_network(feature, driving, source)
        whole = feature.expand(len(driving), *feature.shape[1:])
        moved = functional.grid_sample(whole.to(driving.dtype), deformation, align_corners=False)
        return self.fourth(self.third(moved.flatten(1, 2).to(feature.dtype))) * bare


class Generator(nn.Module):
    """SPADE's decoder, which renders the warped features."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        wide, narrow = widths.generated
        label, hidden = widths.warped, widths.spade
        self.fc = nn.Conv2d(label, 2 * wide, 3, padding=1)
        for at in range(6):
            setattr(self, f"G_middle_{at}", SpadeResidual(2 * wide, 2 * wide, label, hidden))
        self.up_0 = SpadeResidual(2 * wide, wide, label, hidden)
        self.up_1 = SpadeResidual(wide, narrow, label, hidden)
        self.conv_img = nn.Sequential(nn.Conv2d(narrow, 12, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, seg: Tensor) -> Tensor:
        x = self.fc(seg)
        for at in range(6):
            x = getattr(self, f"G_middle_{at}")(x, seg)
        x = self.up_0(functional.interpolate(x, scale_factor=2.0), seg)
        x = self.up_1(functional.interpolate(x, scale_factor=2.0), seg)
        return torch.sigmoid(self.conv_img(functional.leaky_relu(x, 0.2)))


class Retargeting(nn.Module):
    """A small network over key points: stitching, eyes or lips."""

    def __init__(self, given: int, hidden: tuple[int, ...], made: int) -> None:
        super().__init__()
        sizes = (given, *hidden, made)
        layers: list[nn.Module] = []
        for one, other in itertools.pairwise(sizes):
            layers += [nn.Linear(one, other), nn.ReLU()]
        self.mlp = nn.Sequential(*layers[:-1])

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.mlp(x)
        return out


def coordinates(size: torch.Size, like: Tensor) -> Tensor:
    """Return x, y, z of each position in -1..1, (1, 1, D, H, W, 3)."""
    axes = [torch.linspace(-1, 1, count, device=like.device, dtype=like.dtype) for count in size]
    z, y, x = torch.meshgrid(*axes, indexing="ij")
    return torch.stack([x, y, z], dim=-1)[None, None]


def _heat(grid: Tensor, driving: Tensor, source: Tensor) -> Tensor:
    """Return driving less source heat maps (N, POINTS + 1, 1, D, H, W), zero for the background."""

    def around(points: Tensor) -> Tensor:
        apart = grid - points.view(-1, POINTS, 1, 1, 1, 3)
        return torch.exp(-0.5 * (apart**2).sum(-1) / 0.01)

    heat = around(driving) - around(source)
    return torch.cat([torch.zeros_like(heat[:, :1]), heat], dim=1).unsqueeze(2)


def _deform(feature: Tensor, ways: Tensor) -> Tensor:
    """Return the features moved along each key point's motion, (N, POINTS + 1, C, D, H, W)."""
    count, points = ways.shape[:2]
    whole = feature.expand(count, *feature.shape[1:])
    each = whole.unsqueeze(1).expand(count, points, *whole.shape[1:]).flatten(0, 1)
    moved = functional.grid_sample(each, ways.flatten(0, 1), align_corners=False)
    return moved.view(count, points, *moved.shape[1:])
