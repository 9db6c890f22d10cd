"""Makes the noise that a picture starts from, on the CPU, so that a seed gives the same picture on every device."""

from collections.abc import Sequence
from typing import Any


def noises(seeds: Sequence[int], shape: Sequence[int], dtype: Any) -> Any:
    """Return noise (N, *shape), each row as diffusers draws it for that seed alone."""
    import torch

    return torch.cat(
        [torch.randn((1, *shape), generator=torch.Generator("cpu").manual_seed(seed), dtype=dtype) for seed in seeds]
    )


def slerp(one: Any, other: Any, share: float) -> Any:
    """Return each row of `one` rotated towards that of `other`: a `share` of 0 is `one`, 1 is `other`.

    Source: Shoemake 1985. Rows of equal direction are interpolated linearly.
    """
    import torch

    a, b = one.flatten(1).double(), other.flatten(1).double()
    cosine = torch.nn.functional.cosine_similarity(a, b).clamp(-1, 1)[:, None]
    angle = torch.arccos(cosine)
    turned = (torch.sin((1 - share) * angle) * a + torch.sin(share * angle) * b) / torch.sin(angle)
    mixed = torch.where(cosine.abs() > 1 - 1e-9, torch.lerp(a, b, share), turned)
    return mixed.reshape(one.shape).to(one.dtype)
