"""The task `animate`: turns a portrait with a recording or a text into a video in which it speaks."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.errors import UserMessage
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
    from engine.tasks.animate.contract import PortraitAnimator
    from engine.tasks.animate.options import AnimationOptions
    from engine.tasks.animate.render import Scene
    from engine.tasks.animate.speech_audio import SpeechAudio
    from engine.vision.faces.face import Face

    Picture = NDArray[np.uint8]

MAX_SIDE_PIXELS = 1920
"""Longer side of a video in pixels. Larger pictures are shrunk."""

PROFILE_DEGREES = 45
"""Yaw in degrees from which a face shows too little of its mouth."""

FACELESS = UserMessage(
    template="No face was found, so the picture stays still and shows the sound as waves. A large face that"
    " looks straight ahead works best."
)


def run(params: Params, context: Context) -> Result:
    """Run one job. Raises BadInput for a damaged picture or sound, TooLarge for a long one, and MissingModel."""
    from engine.tasks.animate.render import Scene  # loads NumPy

    started = time.monotonic()
    context.progress("loading", 0)
    with context.temp_dir() as folder, context.model("animate") as animator:
        scene = Scene(_picture(params.portrait), _load_speech(params, folder, context), folder, context)
        path, notes, facts = _animate(params, scene, animator)
        file = context.save_file(path)
    media = video.with_dimensions(file, video.probe(file.path, file.mime))
    inputs: dict[str, Fact] = {"style": params.style, "seed": params.seed or 0}
    seconds = round(time.monotonic() - started, 2)
    all_facts = inputs | scene.voiced.facts | facts | {"seconds": seconds}
    return Result(media=(media,), notes=scene.voiced.notes + notes, facts=all_facts)


def _picture(portrait: Media) -> "Picture":
    """Return the portrait in RGB, on white where it is transparent, shrunk to MAX_SIDE_PIXELS."""
    import cv2

    whole = rgb.load_rgb(portrait.path, "portrait")
    height, width = whole.shape[:2]
    part = min(1.0, MAX_SIDE_PIXELS / max(height, width))
    if part < 1:
        whole = cv2.resize(
            whole, (max(1, round(width * part)), max(1, round(height * part))), interpolation=cv2.INTER_AREA
        )
    return whole


def _load_speech(params: Params, folder: Path, context: Context) -> "SpeechAudio":
    from engine.tasks.animate import speech_audio  # loads NumPy

    if params.audio is not None:
        return speech_audio.load_audio(params.audio, context)
    assert params.text is not None
    return speech_audio.speak_text(params.text, params.language, params.voice, folder, context)


def _animate(
    params: Params, scene: "Scene", animator: "PortraitAnimator"
) -> tuple[Path, tuple[UserMessage, ...], dict[str, Fact]]:
    """Return the video, its notes, and facts about the model."""
    tier = scene.context.service.tier
    faces = animator.faces(scene.picture)
    if not faces:
        return scene.still(), (FACELESS,), {"backend": "ffmpeg", "tier": tier, "model": "still"}
    face = max(faces, key=lambda one: one.area)
    scene.context.progress("transcribing", 0.05)
    speech, options = _speech_and_options(params, scene)
    motion = animator.motion_from(speech, options)
    path = scene.moving(animator.frames(scene.picture, face, motion, options), len(motion))
    made_by: dict[str, Fact] = {"backend": scene.context.service.backend, "tier": tier, "model": animator.name}
    return path, _face_notes(faces, face), made_by | {"motion": animator.motion_by, "frames": len(motion)}


def _speech_and_options(params: Params, scene: "Scene") -> "tuple[Speech, AnimationOptions]":
    from engine.tasks.animate.audio_motion.driving_audio import Speech
    from engine.tasks.animate.options import AnimationOptions
    from engine.tasks.animate.render import FRAMES_PER_SECOND

    options = AnimationOptions(params.lip_zero, params.eye_retargeting, params.stitching)
    return Speech(scene.voiced.samples, FRAMES_PER_SECOND, params.style, params.seed or 0, scene.context.check), options


def _face_notes(faces: "tuple[Face, ...]", face: "Face") -> tuple[UserMessage, ...]:
    notes: tuple[UserMessage, ...] = ()
    if len(faces) > 1:
        notes += (
            UserMessage(
                template="There is {count} face. It speaks.",
                plural="There are {count} faces. The largest one speaks.",
                facts={"count": len(faces)},
            ),
        )
    if abs(face.yaw) > PROFILE_DEGREES:
        notes += (UserMessage(template="The face is turned away. One that looks straight ahead works better."),)
    return notes


def workload_class(params: Params) -> str:
    """Return a name for jobs that take about as long: the picture's pixels and the sound's bytes to a power of two."""
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
    extra_models={"voice": voice.load},
    workload_class=workload_class,
)
