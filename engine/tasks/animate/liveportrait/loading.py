"""Loads LivePortrait's networks from safetensors. Their widths follow from the shapes of the tensors."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engine.core.errors import MissingModel
from engine.tasks.animate.liveportrait.networks import (
    POINTS,
    Appearance,
    Generator,
    Motion,
    Retargeting,
    Warping,
    Widths,
)

Weights = dict[str, Tensor]
MAX_BLOCKS = 64
"""Upper bound of residual blocks or layers in such a network."""


class TorchNetworks:
    """The networks on `device`: fp16 on a GPU, fp32 on the CPU. All inputs and outputs are on that device."""

    batch = 8
    """Frames that are rendered together."""

    def __init__(self, folder: Path, device: str) -> None:
        """Load from `folder`. Raises MissingModel for a file that does not hold its network."""
        self.device = torch.device(device)
        self.dtype = torch.float16 if self.device.type == "cuda" else torch.float32
        names = ("appearance_feature_extractor", "motion_extractor", "warping_module", "spade_generator")
        held = {name: _read(folder / f"{name}.safetensors") for name in names}
        retargeting = _read(folder / "stitching_retargeting_module.safetensors")
        try:
            parts = {name: _part(retargeting, name) for name in ("retarget_shoulder", "retarget_eye", "retarget_mouth")}
            widths = _widths(held, parts)
            self.appearance, self.motion, self._warping, self._generator = (
                self._prepare(make(widths), weights)
                for make, weights in zip((Appearance, Motion, Warping, Generator), held.values(), strict=True)
            )
            given = ((6 * POINTS, widths.stitching, 3 * POINTS + 2), (3 * POINTS + 3, widths.eyes, 3 * POINTS))
            small = (*given, (3 * POINTS + 2, widths.lips, 3 * POINTS))
            self.stitch, self.eyes, self.lips = (
                self._prepare(Retargeting(*sizes), weights, torch.float32)
                for sizes, weights in zip(small, parts.values(), strict=True)
            )
        except (KeyError, RuntimeError, IndexError) as error:
            raise MissingModel(
                "LivePortrait cannot be loaded: a file is damaged or belongs to another model. Check"
                " models.animate in config.toml."
            ) from error

    @property
    def size(self) -> int:
        """Return the bytes of all weights."""
        every = (self.appearance, self.motion, self._warping, self._generator, self.stitch, self.eyes, self.lips)
        return sum(value.nbytes for network in every for value in network.state_dict().values())

    def render(self, features: Tensor, source: Tensor, driving: Tensor) -> Tensor:
        """Render (1, 32, 16, 64, 64) features with source (1, 21, 3) and driving (N, 21, 3) key points.

        The result is (N, 3, 512, 512) in 0..1.
        """
        painted: Tensor = self._generator(self._warping(features, driving, source))
        return painted

    def _prepare(self, network: Any, weights: Weights, dtype: torch.dtype | None = None) -> Any:
        network.load_state_dict(weights)
        _quick(network)
        return network.to(self.device, dtype or self.dtype).eval().requires_grad_(requires_grad=False)


def _quick(network: nn.Module) -> None:
    """Set channels-last memory, in which two-dimensional convolutions are fastest."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.to(memory_format=torch.channels_last)


def _read(path: Path) -> Weights:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return _fold_spectral_norms(load_file(path))
    except (SafetensorError, OSError) as error:
        raise MissingModel(
            "{name} is missing or damaged. Check models.animate in config.toml.",
            name=path.name,
        ) from error


def _fold_spectral_norms(held: Weights) -> Weights:
    """Divide the weights by their spectral norms, and drop the prefix of a wrapped module from names."""
    named = {name.removeprefix("module."): value for name, value in held.items()}
    made = {name: value for name, value in named.items() if not name.endswith(("_orig", "weight_u", "weight_v"))}
    for name in [name for name in named if name.endswith("weight_orig")]:
        stem, weight = name.removesuffix("_orig"), named[name]
        bound = named[f"{stem}_u"] @ weight.flatten(1) @ named[f"{stem}_v"]
        made[stem] = weight / bound
    return made


def _part(held: Weights, name: str) -> Weights:
    """Return the weights of one of the three networks in a file."""
    return {f"mlp.{key.partition('mlp.')[2]}": value for key, value in held.items() if key.startswith(name)}


def _widths(held: dict[str, Weights], parts: dict[str, Weights]) -> Widths:
    appearance, motion, warping, generator = held.values()
    stitch, eyes, lips = parts.values()
    dense = "dense_motion_network"
    return Widths(
        appearance=(
            len(appearance["first.conv.bias"]),
            len(appearance["down_blocks.0.conv.bias"]),
            len(appearance["down_blocks.1.conv.bias"]),
        ),
        residuals=_count(appearance, "resblocks_3d.3dr{}.conv1.bias"),
        motion=tuple(len(motion[f"detector.stages.{at}.0.dwconv.bias"]) for at in range(4)),
        stages=tuple(_count(motion, f"detector.stages.{at}." + "{}.dwconv.bias") for at in range(4)),
        hourglass=tuple(
            len(warping[f"{dense}.hourglass.encoder.down_blocks.{at}.conv.bias"])
            for at in range(_count(warping, dense + ".hourglass.encoder.down_blocks.{}.conv.bias"))
        ),
        compress=len(warping[f"{dense}.compress.bias"]),
        warped=len(warping["fourth.bias"]),
        generated=(len(generator["fc.bias"]) // 2, len(generator["up_1.conv_1.bias"])),
        spade=len(generator["up_0.norm_0.mlp_shared.0.bias"]),
        stitching=_hidden(stitch),
        eyes=_hidden(eyes),
        lips=_hidden(lips),
    )


def _count(held: Weights, name: str) -> int:
    return next(at for at in range(MAX_BLOCKS) if name.format(at) not in held)


def _hidden(held: Weights) -> tuple[int, ...]:
    sizes = [len(held[f"mlp.{at}.bias"]) for at in range(0, MAX_BLOCKS, 2) if f"mlp.{at}.bias" in held]
    return tuple(sizes[:-1])
