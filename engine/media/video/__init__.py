"""The only door to FFmpeg: probe, frames in and out, pipelines with progress, cancel and a time limit."""

from engine.media.video.colours import TAGS, as_bt709, standard
from engine.media.video.frames import frames, write
from engine.media.video.probe import (
    Probe,
    ProbeLimits,
    Sound,
    Stream,
    conversions,
    other_sounds,
    probe,
    with_dimensions,
)
from engine.media.video.process import (
    FONTS,
    CancelOrTimeout,
    FFmpegFailed,
    OnSeconds,
    pipe_frames,
    run_and_capture,
    run_pipeline,
)
from engine.media.video.programs import chosen, program
from engine.media.video.sound import encodable, recorded, samples
from engine.media.video.source import open_input, track

__all__ = [
    "FONTS",
    "TAGS",
    "CancelOrTimeout",
    "FFmpegFailed",
    "OnSeconds",
    "Probe",
    "ProbeLimits",
    "Sound",
    "Stream",
    "as_bt709",
    "chosen",
    "conversions",
    "encodable",
    "frames",
    "open_input",
    "other_sounds",
    "pipe_frames",
    "probe",
    "program",
    "recorded",
    "run_and_capture",
    "run_pipeline",
    "samples",
    "standard",
    "track",
    "with_dimensions",
    "write",
]
