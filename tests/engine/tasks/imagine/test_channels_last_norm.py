"""GroupNorm by channels, against torch's."""

import pytest
import torch

from engine.tasks.imagine.sdxl.acceleration.channels_last_norm import suit_channels_last


@pytest.mark.parametrize("offset", [0.0, 100.0])
@pytest.mark.parametrize("shape", [(2, 12, 9, 7), (1, 12, 1, 1), (3, 12, 20)])
def test_it_is_torchs_group_norm_also_far_from_zero(shape: tuple[int, ...], offset: float) -> None:
    torch.manual_seed(0)
    norm = torch.nn.GroupNorm(4, 12)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    given = torch.randn(shape) * torch.rand(12).view(1, 12, *[1] * (len(shape) - 2)) + offset
    expected = norm(given)
    suit_channels_last(norm)
    assert type(norm) is not torch.nn.GroupNorm
    torch.testing.assert_close(norm(given), expected, atol=2e-4, rtol=1e-4)
