"""The full tier: InsightFace's faces and inswapper_128, run by torch where the device is."""

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
from engine.torch_support.transfer import AsyncCopy, to_device
from engine.vision.faces.alignment import places, similarity
from engine.vision.faces.insight import InsightReader, KeyFace, unfit
from engine.vision.faces.quarters import quarter_of

Picture = NDArray[np.uint8]
Tensor = Any  # torch.Tensor, of which the types are Any here

SIDE = 128
"""Of the crop that the network changes."""
BOOSTED = 1.5
"""How many times larger than SIDE a face's crop is in the picture from which on it is done in 2 x 2 sub-pixels."""
NEAR = 0.6
"""Widths of a face that it may move from one frame to the next."""


class Inswapper:
    """`swap` gives upright faces the identity of another: RGB in 0..1, (N, 3, 128, 128)."""

    def __init__(self, path: Path, device: str) -> None:
        """Raises MissingModel where the file is no such network."""
        import onnx

        try:
            self._session = TorchSession(path, device)
            emap = onnx.numpy_helper.to_array(onnx.load(str(path)).graph.initializer[-1])
            self._names = [port.name for port in self._session.get_inputs()]
            self._emap = np.asarray(emap, np.float32).reshape(512, 512)
        except Exception as error:  # onnx has no root of its errors
            raise unfit() from error
        if len(self._names) != 2:
            raise unfit()
        self.device = self._session.device
        self.bytes = self._session.bytes

    def to_latent(self, embedding: NDArray[np.float32]) -> Tensor:
        """(1, 512) on the device, of an embedding (512,) of length 1."""
        told = embedding.reshape(1, -1) @ self._emap
        return torch.from_numpy(told / np.linalg.norm(told)).to(self.device)

    def swap(self, faces: Tensor, latent: Tensor) -> Tensor:
        """One after the other: the published graph takes one face."""
        made = [self._run_network(face[None], latent).clamp(0, 1) for face in faces]
        return torch.cat(made) if len(made) > 1 else made[0]

    def _run_network(self, face: Tensor, latent: Tensor) -> Tensor:
        (found,) = self._session.tensors(dict(zip(self._names, (face, latent), strict=True))).values()
        return found


@dataclass
class Pending:
    """A swapped face on its way from the device into its place in `picture`."""

    picture: Picture
    place: Place
    coming: AsyncCopy | None

    def finish(self) -> None:
        """Wait for it, and put it there."""
        if self.coming is not None:
            self.place.of_picture(self.picture)[...] = self.coming.result()
            self.coming = None


class InsightSwapper:
    """Identity by ArcFace, swapped by inswapper; a large face in four interleaved parts, for 256 x 256 of detail."""

    most_yaw = (60.0, 75.0)
    likeness = Likeness(same=1.18, different=1.26)
    """Of vectors of length 1: cosines of 0.3 and 0.2. An estimate, made without InsightFace's real weights."""

    def __init__(self, folder: Path, device: str) -> None:
        """`folder` has inswapper_128.onnx, and buffalo_l with its networks. Raises MissingModel."""
        self._reader = InsightReader(folder / "buffalo_l", device)
        self._network = Inswapper(folder / "inswapper_128.onnx", device)
        self._seen: tuple[Picture, dict[int | None, tuple[KeyFace, ...]]] | None = None
        self._pending: list[ref[Pending]] = []  # a job that was cancelled holds its own no more

    @property
    def size(self) -> int:
        return self._reader.bytes + self._network.bytes

    def close(self) -> None:
        del self._reader, self._network
        release_memory()

    def faces(self, picture: Picture) -> Sequence[KeyFace]:
        return self._reader.faces(picture)

    def detect_fast(self, picture: Picture) -> Sequence[KeyFace]:
        """Look once a frame, however many faces are followed in it."""
        looks = self._looks(picture)
        if None not in looks:
            looks[None] = self._reader.detect_fast(picture)
        return looks[None]

    def track(self, picture: Picture, face: KeyFace) -> KeyFace | None:
        seen = self._near(picture, face)
        away, place = min(((_apart(one, face), place) for place, one in enumerate(seen)), default=(NEAR, -1))
        return seen[place] if away < NEAR else None

    def _near(self, picture: Picture, face: KeyFace) -> Sequence[KeyFace]:
        """Return the faces that are turned about as `face` is: one look a frame for each quarter turn."""
        looks, quarter = self._looks(picture), quarter_of(face.roll)
        if quarter not in looks:
            looks[quarter] = self._reader.near(picture, face.roll)
        return looks[quarter]

    def _looks(self, picture: Picture) -> dict[int | None, tuple[KeyFace, ...]]:
        """Return what was seen in this frame, by quarter turn; None stands for all of them."""
        if self._seen is None or self._seen[0] is not picture:
            self._seen = picture, {}
        return self._seen[1]

    def embedding(self, picture: Picture, face: KeyFace) -> NDArray[np.float32]:
        return self._reader.embedding(picture, face)

    def identity(self, picture: Picture, face: KeyFace) -> Tensor:
        return self._network.to_latent(self.embedding(picture, face))

    def begin(
        self, identity: Tensor, picture: Picture, face: KeyFace, blend: float, *, fine: bool = True
    ) -> Pending | None:
        """The device works while the next frame is read; a face over one that is not finished waits for it."""
        place = place_crop(face.marks, picture, _side(face.marks) if fine else SIDE)
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


def place_crop(marks: NDArray[np.float32], picture: Picture, side: int = SIDE) -> Place | None:
    """Where the upright crop of `side` pixels lies around a face's `marks` (5, 2); None where out of `picture`.

    `side` is SIDE, or twice that: four passes then make its interleaved parts.
    """
    return Place.of(similarity(marks, places(side)), side, picture.shape)


@torch.inference_mode()
def begin(network: Inswapper, latent: Tensor, picture: Picture, place: Place, blend: float) -> Pending:
    """Set the device to swapping the face at `place` of `picture`, uint8 (H, W, 3) RGB.

    Only the box of the face goes to the device and back, and nothing here waits for it.
    """
    box = to_device(place.of_picture(picture), network.device).permute(2, 0, 1)[None] * (1 / 255)
    out, back = place.sampling_grids(network.device)
    before = upright(box, out)
    after = match_colours(_swap_tiles(network, before, latent), before)
    made = paste_back(after, box, back, blend).mul_(255).add_(0.5).clamp_(0, 255).byte()
    return Pending(picture, place, AsyncCopy(made[0].permute(1, 2, 0).contiguous()))


def _side(marks: NDArray[np.float32]) -> int:
    """Twice SIDE for a face that is that large in its picture."""
    shrinks = float(np.hypot(*similarity(marks, places(SIDE))[0, :2]))
    return 2 * SIDE if shrinks * BOOSTED < 1 else SIDE


def _swap_tiles(network: Inswapper, face: Tensor, latent: Tensor) -> Tensor:
    if face.shape[-1] == SIDE:
        return network.swap(face, latent)
    parts = torch.cat([face[..., row::2, column::2] for row in (0, 1) for column in (0, 1)])
    made, whole = network.swap(parts, latent), torch.empty_like(face)
    for number, part in enumerate(made):
        whole[0, :, number // 2 :: 2, number % 2 :: 2] = part
    return whole


def _apart(one: KeyFace, other: KeyFace) -> float:
    """Distance of two faces in widths of the second."""
    away: Any = (one.marks - other.marks).mean(axis=0)
    return float(np.linalg.norm(away) / max(1.0, other.box[2] - other.box[0]))
