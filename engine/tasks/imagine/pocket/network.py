"""The picture network of pocket as an ONNX file, and what the file says of itself."""

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
    """From the file's metadata, which training/pocket/export.py writes.

    `size` is the side of a picture in pixels, `tokens` how much of a text is read, `shift` the sampler's. `guiding` is
    how the network follows the text: "two-pass" (Ho and Salimans 2022, arXiv:2207.12598), "input" (the scale is an
    input of a distilled network) or "none".
    """

    size: int
    steps: int
    guidance: float
    guiding: str
    shift: float
    tokens: int


class Network:
    """Predicts clean pictures from noisy ones, a time and the token states of a text."""

    def __init__(self, path: Path, threads: int | None) -> None:
        """Load `path` on the CPU, for `threads` cores; all of them where it is None."""
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
        """One noisy picture (3, S, S) at `t` -> its clean estimate, drawn away from the text states `unguided`.

        A picture never shares a run with another, so that it does not depend on how many are drawn.
        """
        guiding = self.settings.guiding
        if guiding == "input":
            return self._run(z, t, [states], guidance=np.array([guidance], np.float32))[0]
        if guiding == "none" or guidance == 1:
            return self._run(z, t, [states])[0]
        guided, free = self._run(z, t, [states, unguided])
        return free + np.float32(guidance) * (guided - free)

    def _run(self, z: Array, t: float, texts: list[Array], **more: Array) -> list[Array]:
        """The clean estimate of `z` for each of `texts`."""
        ctx, mask = _pad(texts)
        fed = {"z": np.stack([z] * len(texts)), "t": np.full(len(texts), t, np.float32), "ctx": ctx, "mask": mask}
        return list(self._session.run(None, fed | more)[0])


def cores() -> int:
    """How many this process may use. ONNX Runtime's own count pins threads to cores, also to those it may not use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def digest(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
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
    """Token states (T, C) of unequal lengths -> (N, longest, C) and the mask of what is a token."""
    longest = max(map(len, texts))
    ctx = np.stack([np.pad(text, ((0, longest - len(text)), (0, 0))) for text in texts])
    return ctx, np.array([[i < len(text) for i in range(longest)] for text in texts])
