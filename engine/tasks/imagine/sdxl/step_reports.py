"""Report the steps of a denoising run, with a look at the latents now and then."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.tasks.imagine.sdxl.preview import Previewer

if TYPE_CHECKING:
    from engine.tasks.imagine.contract import Report, ReportOf

DENOISING_SHARE = 0.95
"""Share of the progress bar for denoising; the rest is the VAE's."""


class StepReporter:
    """Reports each step. It makes a preview at most every `every` seconds, since that makes the device wait."""

    def __init__(self, previewer: Previewer, report: "Report", every: float) -> None:
        self._previewer = previewer
        self._report = report
        self._every = every
        self._looked = time.monotonic()
        self._latents: Any = None

    def __call__(self, step: int, steps: int, latents: Any) -> None:
        self._latents = latents
        preview = None
        if time.monotonic() - self._looked >= self._every:
            preview = self._previewer.look(latents.float().cpu().numpy())
            self._looked = time.monotonic()
        self._report("drawing", DENOISING_SHARE * step / steps, preview)

    def learn(self, pictures: "list[NDArray[np.uint8]]") -> None:
        """Fit the previewer to the first pictures and their latents."""
        if not self._previewer.knows:
            self._previewer.learn(self._latents.float().cpu().numpy(), pictures)


def report_to_each(places: Sequence[int], report: "ReportOf") -> "Report":
    """Return a report that gives each job only its own part of a shared preview."""

    def tell(stage: str, fraction: float, preview: NDArray[np.uint8] | None) -> None:
        own = [None] * len(places) if preview is None else np.split(preview, len(places), axis=1)
        for place, part in zip(places, own, strict=True):
            report(place, stage, fraction, part)

    return tell
