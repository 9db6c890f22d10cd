"""Builds LivePortrait's networks with random weights: the published interfaces, with a few hidden channels."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.tasks.animate.liveportrait.networks import (
    HEADS,
    POINTS,
    Appearance,
    Generator,
    Motion,
    Retargeting,
    Warping,
    Widths,
)

TINY = Widths(
    appearance=(4, 4, 8),
    residuals=1,
    motion=(8, 8, 8, 8),
    stages=(1, 1, 1, 1),
    hourglass=(4, 4, 8),
    compress=2,
    warped=8,
    generated=(8, 8),
    spade=4,
    stitching=(8, 8),
    eyes=(8,),
    lips=(8,),
)


class Painting(nn.Module):
    """Warping and generator in one network, as in the published ONNX file."""

    def __init__(self, warping: nn.Module, generator: nn.Module) -> None:
        super().__init__()
        self.warping, self.generator = warping, generator

    def forward(self, feature_3d: Tensor, kp_driving: Tensor, kp_source: Tensor) -> Tensor:
        out: Tensor = self.generator(self.warping(feature_3d, kp_driving, kp_source))
        return out


def networks(widths: Widths = TINY) -> dict[str, Any]:
    """Return the networks with random weights by the name of their file, and the retargeting ones by their purpose."""
    torch.manual_seed(7)
    made: dict[str, Any] = {
        "appearance_feature_extractor": Appearance(widths),
        "motion_extractor": Motion(widths),
        "warping_module": Warping(widths),
        "spade_generator": Generator(widths),
        "retarget_shoulder": Retargeting(6 * POINTS, widths.stitching, 3 * POINTS + 2),
        "retarget_eye": Retargeting(3 * POINTS + 3, widths.eyes, 3 * POINTS),
        "retarget_mouth": Retargeting(3 * POINTS + 2, widths.lips, 3 * POINTS),
    }
    for network in made.values():
        network.eval()
        for _, conv, left, right in _bounded(network):
            conv.weight.data /= left @ conv.weight.data.flatten(1) @ right
    return made


def save(folder: Path, widths: Widths = TINY) -> dict[str, Any]:
    """Save the five safetensors files as published: separate spectral norms, retargeting in one file."""
    folder.mkdir(parents=True, exist_ok=True)
    made = networks(widths)
    retargeting: dict[str, Tensor] = {}
    for name, network in made.items():
        if name.startswith("retarget"):
            retargeting |= {f"{name}_module.{key}": value for key, value in network.state_dict().items()}
        else:
            save_file(dict(published_weights(network)), folder / f"{name}.safetensors")
    save_file(retargeting, folder / "stitching_retargeting_module.safetensors")
    return made


def published_weights(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield the weights under their published names, with a spectral norm as a weight and two vectors."""
    bounded = {f"{name}.weight": (conv, left, right) for name, conv, left, right in _bounded(network)}
    for name, value in network.state_dict().items():
        if name in bounded:
            conv, left, right = bounded[name]
            yield from ((f"{name}_u", left), (f"{name}_v", right), (f"{name}_orig", 3 * conv.weight.data))
        else:
            yield name, value.contiguous()


def _bounded(network: nn.Module) -> Iterator[tuple[str, Any, Tensor, Tensor]]:
    """Yield the convolutions that have a spectral norm, with the two vectors that measure it."""
    for name, module in network.named_modules():
        if name.rpartition(".")[2] in {"conv_0", "conv_1", "conv_s"}:
            flat = module.weight.data.flatten(1)
            left = nn.functional.normalize(torch.ones(len(flat)), dim=0)
            yield name, module, left, nn.functional.normalize(flat.T @ left, dim=0)


def shapes() -> dict[str, Any]:
    """Return the four large networks at the published widths on the default device."""
    makers = {
        "appearance_feature_extractor": Appearance,
        "motion_extractor": Motion,
        "warping_module": Warping,
        "spade_generator": Generator,
    }
    return {name: make(Widths()) for name, make in makers.items()}


def export(made: dict[str, Any], folder: Path) -> None:
    """Export the six files of the published ONNX release."""
    picture, points = torch.rand(1, 3, 256, 256), torch.rand(1, 21, 3)
    features = torch.rand(1, 32, 16, 64, 64)
    painting = Painting(made["warping_module"], made["spade_generator"]).eval()
    wholes: dict[str, tuple[nn.Module, tuple[Tensor, ...]]] = {
        "appearance_feature_extractor": (made["appearance_feature_extractor"], (picture,)),
        "motion_extractor": (made["motion_extractor"], (picture,)),
        "warping_spade": (painting, (features, points, points.clone())),
        "stitching": (made["retarget_shoulder"], (torch.rand(1, 126),)),
        "stitching_eye": (made["retarget_eye"], (torch.rand(1, 66),)),
        "stitching_lip": (made["retarget_mouth"], (torch.rand(1, 65),)),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from the exporter that made the published files
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        warnings.filterwarnings("ignore", "ONNX export mode is set", UserWarning)  # instance norms have no other mode
        for name, (network, given) in wholes.items():
            outputs = list(HEADS) if name == "motion_extractor" else ["out"]
            how: dict[str, Any] = {"dynamo": False, "opset_version": 20, "output_names": outputs}
            torch.onnx.export(network, given, folder / f"{name}.onnx", **how)
