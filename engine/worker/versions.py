"""Versions for bug reports."""

import platform
from importlib.metadata import PackageNotFoundError, version

from engine.media.video import choose_ffmpeg

_PACKAGES = ("torch", "diffusers", "onnxruntime", "ncnn", "faster-whisper", "insightface")


def versions() -> dict[str, str]:
    """Return the versions of Python, FFmpeg and the installed libraries."""
    packages = {name: _version(name) for name in _PACKAGES}
    programs = {"python": platform.python_version(), "ffmpeg": choose_ffmpeg().version or "none"}
    return {**programs, **{name: number for name, number in packages.items() if number}}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
