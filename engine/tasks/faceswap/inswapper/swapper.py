"""The full tier: InsightFace's face analysis and inswapper_128, in torch on the device."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import ref

import numpy as np
import torch
from numpy.typing import NDArray

from engine.tasks.faceswap.inswapper.paste import Place, match_colours, paste_back, upright
from engine.tasks.faceswap.people import Likeness
from engine.torch_support.cuda import release_memory
from engine.torch_support.onnx import TorchSession
from engine.torch_support.transfer import AsyncCopy, array_to_device
from engine.vision.faces.alignment import arcface_points, estimate_similarity
from engine.vision.faces.insight import InsightReader, KeyFace, model_error
from engine.vision.faces.quarters import quarter_of

Picture = NDArray[np.uint8]
Tensor = Any  # torch.Tensor, of which the types are Any here

CROP_PIXELS = 128
"""Side in pixels of the crop that the network changes."""
BOOST_RATIO = 1.5
"""Size of a face, in multiples of CROP_PIXELS, from which it is swapped in 2 x 2 interleaved crops."""
MAX_MOVE_WIDTHS = 0.6
"""Largest movement of a face between two frames, in widths of the face."""


class Inswapper:
    """The network: gives upright faces, RGB in 0..1, (N, 3, 128, 128), another identity."""

    def __init__(self, path: Path, device: str) -> None:
        """Load `path`. Raises MissingModel if the file is not such a network."""
        import onnx

        try:
            self._session = TorchSession(path, device)
            emap = onnx.numpy_helper.to_array(onnx.load(str(path)).graph.initializer[-1])
            self._names = [port.name for port in self._session.get_inputs()]
            self._emap = np.asarray(emap, np.float32).reshape(512, 512)
        except Exception as error:  # onnx has no root of its errors
            raise model_error() from error
        if len(self._names) != 2:
            raise model_error()
        self.device = self._session.device
        self.bytes = self._session.bytes

    def to_latent(self, embedding: NDArray[np.float32]) -> Tensor:
        """Convert an embedding (512,) of length 1 to a latent (1, 512) on the device."""
        told = embedding.reshape(1, -1) @ self._emap
        return torch.from_numpy(told / np.linalg.norm(told)).to(self.device)

    def swap(self, faces: Tensor, latent: Tensor) -> Tensor:
        """Swap the faces one by one: the published graph takes a single face."""
        made = [self._run_network(face[None], latent).clamp(0, 1) for face in faces]
        return torch.cat(made) if len(made) > 1 else made[0]

    def _run_network(self, face: Tensor, latent: Tensor) -> Tensor:
        (found,) = self._session.tensors(dict(zip(self._names, (face, latent), strict=True))).values()
        return found


@dataclass
class Pending:
    """A swapped face on its way from the device to its place in `picture`."""

    picture: Picture
    place: Place
    coming: AsyncCopy | None

    def finish(self) -> None:
        """Wait for the face and write it into the picture."""
        if self.coming is not None:
            self.place.of_picture(self.picture)[...] = self.coming.result()
            self.coming = None


class InsightSwapper:
    """Swaps ArcFace identities by inswapper. Large faces take four interleaved passes, for 256 x 256 of detail."""

    most_yaw = (60.0, 75.0)
    likeness = Likeness(same=1.18, different=1.26)
    """Distances between vectors of length 1: cosines of 0.3 and 0.2. Estimated without InsightFace's real weights."""

    def __init__(self, folder: Path, device: str) -> None:
        """Load from `folder`: inswapper_128.onnx and the networks of buffalo_l. Raises MissingModel."""
        self._reader = InsightReader(folder / "buffalo_l", device)
        self._network = Inswapper(folder / "inswapper_128.onnx", device)
        self._seen: tuple[Picture, dict[int | None, tuple[KeyFace, ...]]] | None = None
        self._pending: list[ref[Pending]] = []  # a job that was cancelled holds its own no more

    @property
    def size(self) -> int:
        """Return the bytes of all networks."""
        return self._reader.bytes + self._network.bytes

    def close(self) -> None:
        """Release the networks' memory on the device."""
        del self._reader, self._network
        release_memory()

    def faces(self, picture: Picture) -> Sequence[KeyFace]:
        """Return every face from left to right."""
        return self._reader.faces(picture)

    def detect_fast(self, picture: Picture) -> Sequence[KeyFace]:
        """Return the faces of a frame, detecting once per frame however many faces are tracked."""
        looks = self._looks(picture)
        if None not in looks:
            looks[None] = self._reader.detect_fast(picture)
        return looks[None]

    def track(self, picture: Picture, face: KeyFace) -> KeyFace | None:
        """Return the face nearest to where `face` was in the previous frame, or None."""
        seen = self._near(picture, face)
        away, place = min(((_apart(one, face), place) for place, one in enumerate(seen)), default=(MAX_MOVE_WIDTHS, -1))
        return seen[place] if away < MAX_MOVE_WIDTHS else None

    def _near(self, picture: Picture, face: KeyFace) -> Sequence[KeyFace]:
        """Return faces rotated about as `face` is, detecting once per frame and quarter turn."""
        looks, quarter = self._looks(picture), quarter_of(face.roll)
        if quarter not in looks:
            looks[quarter] = self._reader.detect_at_roll(picture, face.roll)
        return looks[quarter]

    def _looks(self, picture: Picture) -> dict[int | None, tuple[KeyFace, ...]]:
        """Return this frame's detections by quarter turn; None stands for all of them."""
        if self._seen is None or self._seen[0] is not picture:
            self._seen = picture, {}
        return self._seen[1]

    def embedding(self, picture: Picture, face: KeyFace) -> NDArray[np.float32]:
        """Return the face's ArcFace embedding (512,)."""
        return self._reader.embedding(picture, face)

    def identity(self, picture: Picture, face: KeyFace) -> Tensor:
        """Return the latent of the face's embedding."""
        return self._network.to_latent(self.embedding(picture, face))

    def begin(
        self, identity: Tensor, picture: Picture, face: KeyFace, blend: float, *, fine: bool = True
    ) -> Pending | None:
        """Begin on the device, so that the next frame can be read meanwhile. A face that overlaps an unfinished one
        waits for it.
        """
        place = place_crop(face.marks, picture, _side(face.marks) if fine else CROP_PIXELS)
        if place is None:
            return None
        for other in self._pending_faces():
            if other.picture is picture and other.place.meets(place):
                other.finish()
        begun: Pending = begin(self._network, identity, picture, place, blend)
        self._pending = [ref(other) for other in (*self._pending_faces(), begun)]
        return begun

    def _pending_faces(self) -> list[Pending]:
        held = (other() for other in self._pending)
        return [other for other in held if other is not None and other.coming is not None]


def place_crop(marks: NDArray[np.float32], picture: Picture, side: int = CROP_PIXELS) -> Place | None:
    """Return the place of the upright crop around a face's `marks` (5, 2), or None if it is outside `picture`.

    `side` is CROP_PIXELS, or twice that for four interleaved passes.
    """
    return Place.of(estimate_similarity(marks, arcface_points(side)), side, picture.shape)


@torch.inference_mode()
def begin(network: Inswapper, latent: Tensor, picture: Picture, place: Place, blend: float) -> Pending:
    """Begin to swap the face at `place` of `picture`, uint8 (H, W, 3) RGB, without waiting.

    Only the face's box is copied to the device and back.
    """
    box = array_to_device(place.of_picture(picture), network.device).permute(2, 0, 1)[None] * (1 / 255)
    out, back = place.sampling_grids(network.device)
    before = upright(box, out)
    after = match_colours(_swap_tiles(network, before, latent), before)
    made = paste_back(after, box, back, blend).mul_(255).add_(0.5).clamp_(0, 255).byte()
    return Pending(picture, place, AsyncCopy(made[0].permute(1, 2, 0).contiguous()))


def _side(marks: NDArray[np.float32]) -> int:
    """Return CROP_PIXELS, or twice that for a large face."""
    shrinks = float(np.hypot(*estimate_similarity(marks, arcface_points(CROP_PIXELS))[0, :2]))
    return 2 * CROP_PIXELS if shrinks * BOOST_RATIO < 1 else CROP_PIXELS


def _swap_tiles(network: Inswapper, face: Tensor, latent: Tensor) -> Tensor:
    if face.shape[-1] == CROP_PIXELS:
        return network.swap(face, latent)
    parts = torch.cat([face[..., row::2, column::2] for row in (0, 1) for column in (0, 1)])
    made, whole = network.swap(parts, latent), torch.empty_like(face)
    for number, part in enumerate(made):
        whole[0, :, number // 2 :: 2, number % 2 :: 2] = part
    return whole


def _apart(one: KeyFace, other: KeyFace) -> float:
    """Return the distance of two faces in widths of the second."""
    away: Any = (one.marks - other.marks).mean(axis=0)
    return float(np.linalg.norm(away) / max(1.0, other.box[2] - other.box[0]))
