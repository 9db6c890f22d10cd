"""GroupNorm by way of each channel's own mean and variance: the same numbers, from reductions that suit channels-last.

A compiler that lays convolutions out channels-last copies the whole picture to normalise it in torch's way.
"""

import torch
from torch import Tensor, nn


class ChannelwiseGroupNorm(nn.GroupNorm):
    """Of pictures, (N, C, H, W). A group's variance is the mean of its channels' variances plus that of their means."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        if input.dim() != 4:
            return super().forward(input)
        grouped = (input.shape[0], self.num_groups, -1)
        variance, mean = torch.var_mean(input.float(), dim=(2, 3), correction=0)
        means = mean.view(grouped)
        centre = means.mean(2, keepdim=True)
        spread = (variance.view(grouped) + (means - centre).square()).mean(2, keepdim=True)
        scale = torch.rsqrt(spread + self.eps).expand_as(means).reshape(mean.shape) * self.weight.float()
        shift = self.bias.float() - centre.expand_as(means).reshape(mean.shape) * scale
        return (input.float() * scale[..., None, None] + shift[..., None, None]).to(input.dtype)


def suit_channels_last(module: nn.Module) -> None:
    """Let every GroupNorm in `module` be a channelwise one."""
    for part in module.modules():
        if type(part) is nn.GroupNorm:
            part.__class__ = ChannelwiseGroupNorm
