"""The versions that a bug report needs."""

import platform
from importlib.metadata import PackageNotFoundError, version

_NAMED = ("torch", "diffusers", "onnxruntime", "ncnn", "faster-whisper", "insightface")


def versions() -> dict[str, str]:
    """Python's and those of the libraries that are installed."""
    found = {name: _version(name) for name in _NAMED}
    return {"python": platform.python_version(), **{name: number for name, number in found.items() if number}}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
