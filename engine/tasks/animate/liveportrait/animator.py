"""Drives LivePortrait by audio: lips and eyes through its retargeting networks, the head through its pose."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.tasks.animate.audio_motion.driving_audio import Speech
from engine.tasks.animate.audio_motion.motion import STYLE_PRESETS, Motion
from engine.tasks.animate.joyvasa.motion_generator import GeneratedMotion, MotionGenerator
from engine.tasks.animate.liveportrait import files
from engine.tasks.animate.liveportrait.crop import Crop, Paste
from engine.tasks.animate.liveportrait.keypoints import Pose, rotation
from engine.tasks.animate.liveportrait.loading import TorchNetworks
from engine.tasks.animate.liveportrait.onnx import OnnxNetworks
from engine.tasks.animate.options import AnimationOptions
from engine.torch_support.cuda import release_memory
from engine.torch_support.transfer import AsyncCopy
from engine.vision.faces.face import Face
from engine.vision.faces.reader import FaceReader

Picture = NDArray[np.uint8]
Networks = TorchNetworks | OnnxNetworks

OPEN_MOUTH_RATIO = 0.36
"""Opening over width of a mouth whose jaw is down."""
SHUT_MOUTH_RATIO = 0.03
"""Opening over width up to which lips count as shut."""
LIPS = [6, 12, 14, 17, 19, 20]
"""Key points that move the lips. Source: LivePortrait's code."""
EYES = [11, 13, 15, 16, 18]
"""Key points that move the eyes. Source: LivePortrait's code."""
SHIFT = 0.004
"""Distance in LivePortrait's plane for a hundredth of the face's height."""


class LivePortraitAnimator:
    """Animates portraits by LivePortrait's networks."""

    name = "liveportrait"

    def __init__(self, folder: Path, weights: Path, device: str, motion_generator: Path | None = None) -> None:
        """Load the networks in `folder` on `device`, and the face networks in `weights`. Raises MissingModel.

        Motion comes from JoyVASA's networks in `motion_generator`, or from the sound's envelope if that is None.
        """
        files.check(folder)
        self._reader = FaceReader(weights)
        self._networks: Networks = (OnnxNetworks if files.in_onnx(folder) else TorchNetworks)(folder, device)
        self._actor = MotionGenerator(motion_generator, device) if motion_generator else None

    @property
    def size(self) -> int:
        """Return the bytes of all networks."""
        return self._networks.size + (self._actor.size if self._actor else 0)

    @property
    def motion_by(self) -> str:
        """Return "joyvasa" or "envelope"."""
        return "joyvasa" if self._actor else "envelope"

    def motion_from(self, speech: Speech, options: AnimationOptions) -> Motion | GeneratedMotion:
        """Return the motion for `speech`, by JoyVASA or from the sound's envelope."""
        if self._actor is None:
            return speech.to_motion(eyes=options.eyes)
        sway = STYLE_PRESETS[speech.style].sway / STYLE_PRESETS["natural"].sway
        return self._actor.generate(speech.samples, len(speech), speech.seed, sway, speech.check)

    def close(self) -> None:
        """Release the networks' memory on the device."""
        del self._networks, self._actor
        release_memory()

    def faces(self, picture: Picture) -> tuple[Face, ...]:
        """Return the faces of `picture` from left to right."""
        return self._reader.find_faces(picture)

    def frames(
        self, picture: Picture, face: Face, motion: Motion | GeneratedMotion, options: AnimationOptions
    ) -> Iterator[Picture]:
        """Yield a picture as large as `picture` for each frame. The device works one chunk ahead."""
        networks = self._networks
        with torch.inference_mode():
            crop = Crop.of(picture, face)
            paste = Paste(picture, crop, networks.device)
            small = _planes(crop.seen, networks)
            features, pose = networks.appearance(small), Pose.of(networks.motion(small))
            drive = _Drive(networks, pose, face, options)
            driving = drive.points(motion)
        waiting: AsyncCopy | None = None
        for chunk in driving.split(networks.batch):
            with torch.inference_mode():
                made = AsyncCopy(paste.paste(networks.render(features, drive.source, chunk)))
            if waiting is not None:
                yield from _whole(picture, paste, waiting.result())
            waiting = made
        if waiting is not None:
            yield from _whole(picture, paste, waiting.result())


class _Drive:
    """The key points that drive the face in the picture."""

    def __init__(self, networks: Networks, pose: Pose, face: Face, options: AnimationOptions) -> None:
        self._networks, self._pose, self._wishes = networks, pose, options
        self.source = pose.points()
        self._lips = lip_ratio(face)
        self._eyes = eye_ratios(face)

    def points(self, motion: Motion | GeneratedMotion) -> Tensor:
        """Return the key points (N, 21, 3), one set for each frame."""
        driving = (
            self._drive_by_generator(motion) if isinstance(motion, GeneratedMotion) else self._drive_by_motion(motion)
        )
        return self._stitch(driving) if self._wishes.stitching else driving

    def _drive_by_motion(self, motion: Motion) -> Tensor:
        degrees = np.stack([motion.pitch, motion.yaw, motion.roll], axis=1)
        moved = motion.shift * np.float32(SHIFT)
        driving = self._pose.points(self._tensor(degrees), self._tensor(moved))
        driving = driving + self._lip_delta(motion.jaw)
        return driving + self._eye_delta(motion.lids) if self._wishes.eyes else driving

    def _drive_by_generator(self, generated: GeneratedMotion) -> Tensor:
        """Apply the change since the first frame to the picture's own pose and expression, as JoyVASA does.

        With `lip_zero` the lips are the generated ones, else the picture's with their change added. Without `eyes`
        the eyes stay.
        """
        pose, device = self._pose, self._networks.device
        exp, scale, t, angles = (
            value.to(device) for value in (generated.exp, generated.scale, generated.t, generated.angles)
        )
        bent = pose.exp + exp - exp[:1]
        if self._wishes.lip_zero:
            bent[:, LIPS] = exp[:, LIPS]
        if not self._wishes.eyes:
            bent[:, EYES] = pose.exp[:, EYES]
        turn = rotation(angles) @ rotation(angles[:1]).transpose(1, 2) @ rotation(pose.angles)
        placed = (pose.kp @ turn + bent) * (pose.scale * scale / scale[:1])[:, None]
        flat = pose.t[:, :2] + t[:, :2] - t[:1, :2]
        return torch.cat([placed[..., :2] + flat[:, None], placed[..., 2:]], dim=-1)

    def _lip_delta(self, jaw: NDArray[np.float32]) -> Tensor:
        """Open the lips as far as the jaw says: from shut ones with `lip_zero`, else from the picture's."""
        rest = 0.0 if self._wishes.lip_zero and self._lips > SHUT_MOUTH_RATIO else self._lips
        wanted = rest + (OPEN_MOUTH_RATIO - min(rest, OPEN_MOUTH_RATIO)) * jaw
        ratios = np.stack([np.full_like(wanted, self._lips), wanted], axis=1)
        return self._retarget(self._networks.lips, ratios)

    def _eye_delta(self, lids: NDArray[np.float32]) -> Tensor:
        rest = np.tile(np.array(self._eyes, np.float32), (len(lids), 1))
        wanted = rest.mean(axis=1, keepdims=True) * (1 - lids[:, None])
        return self._retarget(self._networks.eyes, np.hstack([rest, wanted]))

    def _retarget(self, network: Any, ratios: NDArray[np.float32]) -> Tensor:
        flat = self.source.flatten(1).expand(len(ratios), -1)
        delta: Tensor = network(torch.cat([flat, self._tensor(ratios)], dim=1))
        return delta.view(len(ratios), -1, 3)

    def _stitch(self, driving: Tensor) -> Tensor:
        flat = self.source.flatten(1).expand(len(driving), -1)
        delta = self._networks.stitch(torch.cat([flat, driving.flatten(1)], dim=1))
        moved = driving + delta[:, :-2].view_as(driving)
        return torch.cat([moved[..., :2] + delta[:, None, -2:], moved[..., 2:]], dim=-1)

    def _tensor(self, values: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(self._networks.device)


def lip_ratio(face: Face) -> float:
    """Return the opening of the lips over the width of the mouth."""
    flat = face.points[:, :2]
    return float(np.linalg.norm(flat[13] - flat[14]) / max(1e-6, float(np.linalg.norm(flat[61] - flat[291]))))


def eye_ratios(face: Face) -> tuple[float, float]:
    """Return the opening over width of both eyes."""
    return face.eye_opening


def _planes(seen: Picture, networks: Networks) -> Tensor:
    """Return the crop as (1, 3, 256, 256) in 0..1."""
    planes = torch.from_numpy(seen).to(networks.device).permute(2, 0, 1)[None].float() / 255
    half = torch.nn.functional.interpolate(planes, scale_factor=0.5, mode="area")
    return half.to(networks.dtype)


def _whole(picture: Picture, paste: Paste, boxes: Picture) -> Iterator[Picture]:
    for box in boxes:
        made = picture.copy()
        made[paste.box] = box
        yield made
