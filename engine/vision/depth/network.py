"""Estimate the depth of a picture with a depth estimation network of transformers."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from engine.media.images import Picture


class Depth:
    """A depth estimation network such as Depth Anything or DPT."""

    def __init__(self, source: str, device: str, **options: Any) -> None:
        """Load the network from `source`, a folder or a repository of the hub.

        `options` are those of `from_pretrained`, whose OSError and ValueError this raises.
        """
        from transformers import AutoImageProcessor, AutoModelForDepthEstimation

        self._processor = AutoImageProcessor.from_pretrained(source, **options)
        self.network = AutoModelForDepthEstimation.from_pretrained(source, **options).to(device).eval()

    @property
    def size(self) -> int:
        """Return the size of the network's parameters in bytes."""
        return sum(each.numel() * each.element_size() for each in self.network.parameters())

    def __call__(self, picture: "Picture") -> "Picture":
        """Return the depth of a picture, uint8 (H, W, 3) RGB, in its size and shape: white is near, black is far."""
        import torch
        from PIL import Image

        inputs = self._processor(images=Image.fromarray(picture), return_tensors="pt").to(self.network.device)
        with torch.inference_mode():
            depth = self.network(**inputs).predicted_depth[:, None].float()
        depth = torch.nn.functional.interpolate(depth, picture.shape[:2], mode="bicubic", align_corners=False)[0, 0]
        low, high = depth.min(), depth.max()
        grey = ((depth - low) / (high - low).clamp(min=1e-9) * 255).round().byte().cpu().numpy()
        return np.repeat(grey[:, :, None], 3, axis=2)
