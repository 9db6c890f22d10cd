"""Cues drawn on a grey video, for tests."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from engine.media.files import keep
from engine.media.video import CancelOrTimeout, probe, read_frames, run_pipeline
from engine.tasks.subtitle.cues import Cue
from engine.tasks.subtitle.drawing.render import Renderer, isolate_fonts
from engine.tasks.subtitle.drawing.styles import SubtitleStyle, format_ass
from engine.tasks.subtitle.drawing.typefaces import load_typefaces
from engine.weights.registry import weights_folder


def page(folder: Path, cues: list[Cue], look: SubtitleStyle, at: float) -> "np.ndarray[Any, Any]":
    """Return the frame `at` seconds, H,W,3, of a dark grey video of 2 s with the cues on it."""
    import ffmpeg

    source = folder / "grey.mp4"
    grey = ffmpeg.input(f"color=c=0x404040:s={look.width}x{look.height}:r=10", f="lavfi", t=2)
    run_pipeline(grey.output(f"file:{source}", pix_fmt="yuv420p"), CancelOrTimeout())
    fonts = load_typefaces(weights_folder(Path("data")))
    with TemporaryDirectory(dir=folder) as place:
        isolate_fonts(Path(place))
        renderer = Renderer(Path(place), CancelOrTimeout(), fonts)
        made = renderer.burn(keep(source.read_bytes(), folder / "media"), format_ass(cues, look, fonts), lambda _: None)
        stream = probe(made, "video/mp4").video
        assert stream
        pictures = list(read_frames(made, "video/mp4", stream, CancelOrTimeout()))
    return pictures[int(at * 10)]


def inked(picture: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Return where something bright is drawn, H,W."""
    return np.asarray(picture.max(2) > 180)
