"""Pocket's image network as an ONNX file, and the settings in its metadata."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.tasks.imagine.pocket.metadata import metadata

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Settings:
    """Settings from the file's metadata, which training/pocket/export.py writes.

    `size` is the side of a picture in pixels, `tokens` the longest text, `shift` the sampler's. `guiding` says how the
    text guides the network: "two-pass" (Ho and Salimans 2022, arXiv:2207.12598), "input" (the guidance scale is an
    input of a distilled network) or "none".
    """

    size: int
    steps: int
    guidance: float
    guiding: str
    shift: float
    tokens: int


class Network:
    """Predicts clean pictures from noisy ones, a time, and the token states of a text."""

    def __init__(self, path: Path, threads: int | None) -> None:
        """Load `path` on the CPU with `threads` threads, or one for every usable core if None."""
        from onnxruntime import InferenceSession, SessionOptions

        self.digest = digest(path)
        self.bytes = 4 * path.stat().st_size  # int8 on disk, fp32 when loaded
        options = SessionOptions()
        options.intra_op_num_threads = threads or cores()
        # A plan of all activations at once would hold 36 MB more and be no faster.
        options.enable_mem_pattern = False
        options.enable_cpu_mem_arena = False
        # The int8 weights are for the file's size alone: unfolded, each step would dequantise them again.
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        self._session = InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.settings = _settings(metadata(path))

    def predict(self, z: Array, t: float, states: Array, unguided: Array, guidance: float) -> Array:
        """Return the clean estimate of one noisy picture (3, S, S) at time `t`, guided away from the states `unguided`.

        Pictures never share a run, so that a picture does not depend on how many are drawn.
        """
        guiding = self.settings.guiding
        if guiding == "input":
            return self._run(z, t, [states], guidance=np.array([guidance], np.float32))[0]
        if guiding == "none" or guidance == 1:
            return self._run(z, t, [states])[0]
        guided, free = self._run(z, t, [states, unguided])
        return free + np.float32(guidance) * (guided - free)

    def _run(self, z: Array, t: float, texts: list[Array], **more: Array) -> list[Array]:
        """Return the clean estimate of `z` for each of `texts`."""
        ctx, mask = _pad(texts)
        fed = {"z": np.stack([z] * len(texts)), "t": np.full(len(texts), t, np.float32), "ctx": ctx, "mask": mask}
        return list(self._session.run(None, fed | more)[0])


def cores() -> int:
    """Return how many cores this process may use. ONNX Runtime's own count includes cores outside the affinity mask."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _settings(metadata: dict[str, str]) -> Settings:
    return Settings(
        size=int(metadata["size"]),
        steps=int(metadata["steps"]),
        guidance=float(metadata["guidance"]),
        guiding=metadata["guiding"],
        shift=float(metadata["shift"]),
        tokens=int(metadata["tokens"]),
    )


def _pad(texts: list[Array]) -> tuple[Array, NDArray[np.bool_]]:
    """Pad token states (T, C) of unequal length to (N, longest, C). Return them with the mask of real tokens."""
    longest = max(map(len, texts))
    ctx = np.stack([np.pad(text, ((0, longest - len(text)), (0, 0))) for text in texts])
    return ctx, np.array([[i < len(text) for i in range(longest)] for text in texts])
