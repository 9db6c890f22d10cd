"""The only door to FFmpeg: probe, frames in and out, pipelines with progress, cancel and a time limit."""

from engine.media.video.colours import TAGS, as_bt709, standard
from engine.media.video.frames import frames, write
from engine.media.video.probe import Bounds, Probe, Sound, Stream, conversions, described, other_sounds, probe
from engine.media.video.process import FONTS, FFmpegFailed, OnSeconds, Watch, feed, heard, run
from engine.media.video.programs import chosen, program
from engine.media.video.sound import encodable, recorded, samples
from engine.media.video.source import opened, track

__all__ = [
    "FONTS",
    "TAGS",
    "Bounds",
    "FFmpegFailed",
    "OnSeconds",
    "Probe",
    "Sound",
    "Stream",
    "Watch",
    "as_bt709",
    "chosen",
    "conversions",
    "described",
    "encodable",
    "feed",
    "frames",
    "heard",
    "opened",
    "other_sounds",
    "probe",
    "program",
    "recorded",
    "run",
    "samples",
    "standard",
    "track",
    "write",
]
