"""The only door to FFmpeg: probe, frames in and out, pipelines with progress, cancel and a time limit."""

from engine.video.child import FONTS, FFmpegFailed, OnSeconds, Watch, feed, heard, run
from engine.video.frames import frames, write
from engine.video.probe import Bounds, Probe, Sound, Stream, described, probe
from engine.video.programs import chosen, program
from engine.video.sound import samples
from engine.video.source import opened

__all__ = [
    "FONTS",
    "Bounds",
    "FFmpegFailed",
    "OnSeconds",
    "Probe",
    "Sound",
    "Stream",
    "Watch",
    "chosen",
    "described",
    "feed",
    "frames",
    "heard",
    "opened",
    "probe",
    "program",
    "run",
    "samples",
    "write",
]
