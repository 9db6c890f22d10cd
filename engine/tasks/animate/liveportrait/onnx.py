"""LivePortrait's networks in ONNX Runtime: on the GPU if its build supports that, else on the CPU."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.core.errors import MissingModel
from engine.tasks.animate.liveportrait.networks import BINS, HEADS, POINTS


class OnnxNetworks:
    """Same interface as `TorchNetworks`. Inputs and outputs are matched by name, else by shape."""

    dtype = torch.float32
    batch = 1

    def __init__(self, folder: Path, device: str) -> None:
        """Load from `folder`. Raises MissingModel for a file that holds no such network."""
        self.device = torch.device(device)
        names = ("appearance_feature_extractor", "motion_extractor", "warping_spade")
        small = ("stitching", "stitching_eye", "stitching_lip")
        held = {name: _session(folder / f"{name}.onnx", self.device) for name in (*names, *small)}
        self.size = sum((folder / f"{name}.onnx").stat().st_size for name in held)
        self._appearance, self._motion, self._warping = (held[name] for name in names)
        self._small = {name: held[name] for name in small}

    def appearance(self, picture: Tensor) -> Tensor:
        """Return the features (1, 32, 16, 64, 64) of a crop (1, 3, 256, 256)."""
        (features,) = self._run(self._appearance, [picture])[:1]
        return features

    def motion(self, picture: Tensor) -> dict[str, Tensor]:
        """Return the seven heads for a crop (1, 3, 256, 256)."""
        outputs = [output.name for output in self._motion.get_outputs()]
        found = dict(zip(outputs, self._run(self._motion, [picture]), strict=True))
        return found if found.keys() >= HEADS.keys() else _by_order(list(found.values()))

    def render(self, features: Tensor, source: Tensor, driving: Tensor) -> Tensor:
        """Render frames (N, 3, 512, 512) in 0..1 from features, source and driving key points."""
        given = {"feature": features, "source": source, "driving": driving}
        asked = [one.name for one in self._warping.get_inputs()]
        words = [next((word for word in given if word[:6] in name.lower()), None) for name in asked]
        order = words if set(words) == given.keys() else ["feature", "driving", "source"]
        painted = []
        for one in driving:
            given["driving"] = one[None]
            made = self._run(self._warping, [given[word] for word in order if word])
            painted.append(next(value for value in made if value.dim() == 4 and value.shape[1] == 3))
        return torch.cat(painted)

    def stitch(self, x: Tensor) -> Tensor:
        """Run the stitching network row by row."""
        return self._each("stitching", x)

    def eyes(self, x: Tensor) -> Tensor:
        """Run the eye retargeting network row by row."""
        return self._each("stitching_eye", x)

    def lips(self, x: Tensor) -> Tensor:
        """Run the lip retargeting network row by row."""
        return self._each("stitching_lip", x)

    def _each(self, name: str, x: Tensor) -> Tensor:
        return torch.cat([self._run(self._small[name], [row[None]])[0] for row in x])

    def _run(self, session: Any, given: list[Tensor]) -> list[Tensor]:
        names = [one.name for one in session.get_inputs()]
        arrays = {name: value.float().cpu().numpy() for name, value in zip(names, given, strict=True)}
        return [torch.from_numpy(made).to(self.device) for made in session.run(None, arrays)]


def _by_order(values: list[Tensor]) -> dict[str, Tensor]:
    """Return the seven heads in the order of the published export: pitch, yaw, roll, t, exp, scale, kp."""
    names = ("pitch", "yaw", "roll", "t", "exp", "scale", "kp")
    sizes = (BINS, BINS, BINS, 3, 3 * POINTS, 1, 3 * POINTS)
    flat = [value.flatten(1) for value in values]
    if [value.shape[1] for value in flat] != list(sizes):
        raise MissingModel("motion_extractor.onnx is not LivePortrait's. Check models.animate in config.toml.")
    return dict(zip(names, flat, strict=True))


def _session(path: Path, device: torch.device) -> Any:
    import onnxruntime as ort

    wanted = ["CUDAExecutionProvider", "CPUExecutionProvider"] if device.type == "cuda" else ["CPUExecutionProvider"]
    try:
        return ort.InferenceSession(path, providers=[one for one in wanted if one in ort.get_available_providers()])
    except Exception as error:  # ONNX Runtime's errors have no common class but this
        raise MissingModel(
            "{name} is missing or damaged. Check models.animate in config.toml.",
            name=path.name,
        ) from error
