"""Run FFmpeg: probe files, read and write frames, and run pipelines with progress, cancellation and a time limit.

No other package starts FFmpeg.
"""

from engine.media.video.child import CancelOrTimeout, FFmpegFailed
from engine.media.video.colours import TAGS, convert_rgb_to_bt709, convert_to_bt709
from engine.media.video.frames import read_frames, write_frames
from engine.media.video.h264 import h264_options
from engine.media.video.probe import (
    Probe,
    ProbeLimits,
    Sound,
    Stream,
    conversion_notes,
    other_sound_notes,
    probe,
    with_dimensions,
)
from engine.media.video.process import FONTS, OnSeconds, pipe_frames, run_and_capture, run_pipeline
from engine.media.video.programs import choose_ffmpeg, ffmpeg_path
from engine.media.video.sound import downmix, prepare_sound, read_mono
from engine.media.video.source import open_input, select_stream

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
    "choose_ffmpeg",
    "conversion_notes",
    "convert_rgb_to_bt709",
    "convert_to_bt709",
    "downmix",
    "ffmpeg_path",
    "h264_options",
    "open_input",
    "other_sound_notes",
    "pipe_frames",
    "prepare_sound",
    "probe",
    "read_frames",
    "read_mono",
    "run_and_capture",
    "run_pipeline",
    "select_stream",
    "with_dimensions",
    "write_frames",
]
