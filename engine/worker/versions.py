"""The versions that a bug report needs."""

import platform
from importlib.metadata import PackageNotFoundError, version

from engine.media.video import choose_ffmpeg

_NAMED = ("torch", "diffusers", "onnxruntime", "ncnn", "faster-whisper", "insightface")


def versions() -> dict[str, str]:
    """Python's, FFmpeg's and those of the libraries that are installed."""
    found = {name: _version(name) for name in _NAMED}
    programs = {"python": platform.python_version(), "ffmpeg": choose_ffmpeg().version or "none"}
    return {**programs, **{name: number for name, number in found.items() if number}}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
