"""GroupNorm from each channel's mean and variance: equal numbers, with reductions that suit channels-last memory.

A compiler that lays out convolutions as channels-last copies the whole picture for torch's own GroupNorm.
"""

import torch
from torch import Tensor, nn


class ChannelwiseGroupNorm(nn.GroupNorm):
    """Normalises pictures (N, C, H, W). A group's variance is the mean of its channels' variances plus the variance of
    their means.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """Return `input` normalised; inputs of another rank go through torch's own code."""
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
    """Turn every GroupNorm in `module` into a ChannelwiseGroupNorm, in place."""
    for part in module.modules():
        if type(part) is nn.GroupNorm:
            part.__class__ = ChannelwiseGroupNorm
