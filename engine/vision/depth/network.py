"""How near each place of a picture is, as a network of transformers' depth estimation sees it."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from engine.media.images import Picture


class Depth:
    """`source` is a folder or a repository of such a network: Depth Anything, DPT and others."""

    def __init__(self, source: str, device: str, **options: Any) -> None:
        """Raises OSError and ValueError as `from_pretrained` does."""
        from transformers import AutoImageProcessor, AutoModelForDepthEstimation

        self._processor = AutoImageProcessor.from_pretrained(source, **options)
        self.network = AutoModelForDepthEstimation.from_pretrained(source, **options).to(device).eval()

    @property
    def size(self) -> int:
        """Bytes of its parameters."""
        return sum(each.numel() * each.element_size() for each in self.network.parameters())

    def __call__(self, picture: "Picture") -> "Picture":
        """(H, W, 3) of the picture's size: white is near, black is far."""
        import torch
        from PIL import Image

        inputs = self._processor(images=Image.fromarray(picture), return_tensors="pt").to(self.network.device)
        with torch.inference_mode():
            seen = self.network(**inputs).predicted_depth[:, None].float()
        fitted = torch.nn.functional.interpolate(seen, picture.shape[:2], mode="bicubic", align_corners=False)[0, 0]
        low, high = fitted.min(), fitted.max()
        grey = ((fitted - low) / (high - low).clamp(min=1e-9) * 255).round().byte().cpu().numpy()
        return np.repeat(grey[:, :, None], 3, axis=2)
