"""Building blocks of LivePortrait's convolutional networks, named as in its checkpoints."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Same(nn.Module):
    """Convolution, batch norm and ReLU: SameBlock2d."""

    def __init__(self, given: int, made: int, *, leaky: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(given, made, 3, padding=1)
        self.norm = nn.BatchNorm2d(made)
        self.leak = 0.01 if leaky else 0.0

    def forward(self, x: Tensor) -> Tensor:
        return functional.leaky_relu(self.norm(self.conv(x)), self.leak)


class Down(nn.Module):
    """Convolution, norm and ReLU at half the height and width: DownBlock2d and DownBlock3d."""

    def __init__(self, given: int, made: int, conv: Any, norm: Any, pool: nn.Module) -> None:
        super().__init__()
        self.conv = conv(given, made, 3, padding=1)
        self.norm = norm(made)
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(functional.relu(self.norm(self.conv(x))))


class Up(nn.Module):
    """Convolution, norm and ReLU at twice the height and width: UpBlock3d."""

    def __init__(self, given: int, made: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(given, made, 3, padding=1)
        self.norm = nn.BatchNorm3d(made)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.norm(self.conv(functional.interpolate(x, scale_factor=(1, 2, 2)))))


class Residual(nn.Module):
    """ResBlock3d: norm, ReLU and convolution, twice, added to the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv3d(width, width, 3, padding=1) for _ in range(2))
        self.norm1, self.norm2 = (nn.BatchNorm3d(width) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv1(functional.relu(self.norm1(x)))
        return self.conv2(functional.relu(self.norm2(out))) + x


class Spade(nn.Module):
    """Spatially adaptive normalisation (Park et al., 2019)."""

    def __init__(self, width: int, label: int, hidden: int) -> None:
        super().__init__()
        self.mlp_shared = nn.Sequential(nn.Conv2d(label, hidden, 3, padding=1), nn.ReLU())
        self.mlp_gamma = nn.Conv2d(hidden, width, 3, padding=1)
        self.mlp_beta = nn.Conv2d(hidden, width, 3, padding=1)

    def forward(self, x: Tensor, seg: Tensor) -> Tensor:
        if seg.shape[2:] != x.shape[2:]:
            seg = functional.interpolate(seg, size=x.shape[2:], mode="nearest")
        shared = self.mlp_shared(seg)
        return functional.instance_norm(x) * (1 + self.mlp_gamma(shared)) + self.mlp_beta(shared)


class SpadeResidual(nn.Module):
    """SPADEResnetBlock. Its spectral norms are folded into the weights on loading."""

    def __init__(self, given: int, made: int, label: int, hidden: int) -> None:
        super().__init__()
        middle = min(given, made)
        self.conv_0 = nn.Conv2d(given, middle, 3, padding=1)
        self.conv_1 = nn.Conv2d(middle, made, 3, padding=1)
        self.norm_0, self.norm_1 = Spade(given, label, hidden), Spade(middle, label, hidden)
        self.learned = given != made
        if self.learned:
            self.conv_s = nn.Conv2d(given, made, 1, bias=False)
            self.norm_s = Spade(given, label, hidden)

    def forward(self, x: Tensor, seg: Tensor) -> Tensor:
        beside = self.conv_s(self.norm_s(x, seg)) if self.learned else x
        out = self.conv_0(functional.leaky_relu(self.norm_0(x, seg), 0.2))
        return beside + self.conv_1(functional.leaky_relu(self.norm_1(out, seg), 0.2))


class Block(nn.Module):
    """The block of ConvNeXt V2 with global response normalisation (Woo et al., 2023)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.pwconv1 = nn.Linear(width, 4 * width)
        self.grn = Response(4 * width)
        self.pwconv2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        out = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        out = self.pwconv2(self.grn(functional.gelu(self.pwconv1(out))))
        return x + out.permute(0, 3, 1, 2)


class Response(nn.Module):
    """Global response normalisation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, 1, width))
        self.beta = nn.Parameter(torch.zeros(1, 1, 1, width))

    def forward(self, x: Tensor) -> Tensor:
        whole = torch.norm(x, p=2, dim=(1, 2), keepdim=True)
        return self.gamma * (x * (whole / (whole.mean(dim=-1, keepdim=True) + 1e-6))) + self.beta + x


class ChannelNorm(nn.Module):
    """Layer norm over the channels of (N, C, H, W)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        last = x.permute(0, 2, 3, 1)
        return functional.layer_norm(last, self.weight.shape, self.weight, self.bias, 1e-6).permute(0, 3, 1, 2)
