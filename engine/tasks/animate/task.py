"""A portrait that speaks: a picture and a sound, or a text, to a video."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.errors import Sentence
from engine.core.job import Fact, Media, Result
from engine.core.task import Task
from engine.media import rgb, video
from engine.tasks import speech as voice
from engine.tasks.animate import backends
from engine.tasks.animate.params import Params
from engine.worker.context import Context

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.tasks.animate.audio_motion.driving_audio import Speech
    from engine.tasks.animate.contract import Painter
    from engine.tasks.animate.options import Wishes
    from engine.tasks.animate.render import Scene
    from engine.tasks.animate.speech_audio import Voiced
    from engine.vision.faces.face import Face

    Picture = NDArray[np.uint8]

LONGEST = 1920
"""Pixels of the longer side of a video; larger pictures are made smaller."""

PROFILE = 45
"""Degrees from which a face shows too little of its mouth."""

FACELESS = Sentence(
    template="No face was found in the picture, so it stays still, with the waves of its sound. "
    "A face that looks ahead and is not small is found best."
)


def run(params: Params, context: Context) -> Result:
    """Raises BadInput for a damaged picture or sound, TooLarge for a long one, MissingModel."""
    from engine.tasks.animate.render import Scene  # loads NumPy

    begun = time.monotonic()
    context.progress("loading", 0)
    with context.scratch() as folder, context.model("animate") as painter:
        scene = Scene(_picture(params.portrait), _voiced(params, folder, context), folder, context)
        path, notes, facts = _painted(params, scene, painter)
        made = context.keep_file(path)
    media = video.described(made, video.probe(made.path, made.mime))
    told: dict[str, Fact] = {"style": params.style, "seed": params.seed or 0, **scene.voiced.facts, **facts}
    seconds = round(time.monotonic() - begun, 2)
    return Result(media=(media,), notes=scene.voiced.notes + notes, facts={**told, "seconds": seconds})


def _picture(portrait: Media) -> "Picture":
    """The portrait in RGB, on white where it is transparent, at most LONGEST on its longer side."""
    import cv2

    whole = rgb.pixels(portrait.path, "portrait")
    height, width = whole.shape[:2]
    part = min(1.0, LONGEST / max(height, width))
    if part < 1:
        whole = cv2.resize(
            whole, (max(1, round(width * part)), max(1, round(height * part))), interpolation=cv2.INTER_AREA
        )
    return whole


def _voiced(params: Params, folder: Path, context: Context) -> "Voiced":
    from engine.tasks.animate import speech_audio  # loads NumPy

    if params.audio is not None:
        return speech_audio.given(params.audio, context)
    assert params.text is not None
    return speech_audio.spoken(params.text, params.language, params.voice, folder, context)


def _painted(params: Params, scene: "Scene", painter: "Painter") -> tuple[Path, tuple[Sentence, ...], dict[str, Fact]]:
    """The video, what a person should know of it, and who made it."""
    tier = scene.context.service.tier
    faces = painter.faces(scene.picture)
    if not faces:
        return scene.still(), (FACELESS,), {"backend": "ffmpeg", "tier": tier, "model": "still"}
    face = max(faces, key=lambda one: one.area)
    scene.context.progress("listening", 0.05)
    speech, wishes = _wanted(params, scene)
    motion = painter.moved(speech, wishes)
    path = scene.moving(painter.frames(scene.picture, face, motion, wishes), len(motion))
    made_by: dict[str, Fact] = {"backend": scene.context.service.backend, "tier": tier, "model": painter.name}
    return path, _of_faces(faces, face), made_by | {"motion": painter.motion_by, "frames": len(motion)}


def _wanted(params: Params, scene: "Scene") -> "tuple[Speech, Wishes]":
    from engine.tasks.animate.audio_motion.driving_audio import Speech
    from engine.tasks.animate.options import Wishes
    from engine.tasks.animate.render import RATE

    wishes = Wishes(params.lip_zero, params.eye_retargeting, params.stitching)
    return Speech(scene.voiced.samples, RATE, params.style, params.seed or 0, scene.context.check), wishes


def _of_faces(faces: "tuple[Face, ...]", face: "Face") -> tuple[Sentence, ...]:
    notes: tuple[Sentence, ...] = ()
    if len(faces) > 1:
        notes += (Sentence(template="There are {count} faces; the largest speaks.", facts={"count": len(faces)}),)
    if abs(face.yaw) > PROFILE:
        notes += (Sentence(template="The face looks far aside; one that looks ahead moves better."),)
    return notes


def size(params: Params) -> str:
    """What the time hangs on: the picture's pixels and the length of the sound, to the nearest power of two."""
    portrait, audio = params.portrait, params.audio
    length = round((audio.seconds or 60) * 15) if audio else len(params.text or "")
    return f"2^{((portrait.width or 1) * (portrait.height or 1)).bit_length()}, 2^{length.bit_length()}"


TASK = Task(
    name="animate",
    version=backends.VERSION,
    params=Params,
    run=run,
    choose=backends.choose,
    load=backends.load,
    others={"voice": voice.load},
    size=size,
)
