"""A portrait that speaks: a picture and a sound, or a text, to a video."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from engine import pictures, video
from engine.backends import portraits, voice
from engine.errors import BadInput, Sentence
from engine.job import Fact, Media, Result
from engine.options import Language, Voice
from engine.params import MAX_SEED, TaskParams
from engine.task import Context, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.animate.scene import Scene
    from engine.animate.sound import Voiced
    from engine.animate.speech import Speech
    from engine.animate.wishes import Wishes
    from engine.backends.faces.face import Face
    from engine.backends.portraits import Painter

    Picture = NDArray[np.uint8]

LONGEST = 1920
"""Pixels of the longer side of a video; larger pictures are made smaller."""
PROFILE = 45
"""Degrees from which a face shows too little of its mouth."""
FACELESS = Sentence(
    template="No face was found in the picture, so it stays still, with the waves of its sound. "
    "A face that looks ahead and is not small is found best."
)


class Params(TaskParams):
    """A portrait, and a sound or a text that it speaks."""

    portrait: Media = Field(description="Picture of a face", json_schema_extra={"accepts": ["image"]})
    audio: Media | None = Field(
        None, description="Speech that it moves to", json_schema_extra={"accepts": ["sound", "video"]}
    )
    text: str | None = Field(
        None,
        description="What it says, instead of audio",
        min_length=1,
        max_length=1500,
        examples=["Hello, I am a picture that speaks."],
        json_schema_extra={"rest": True},
    )
    language: Language = None
    voice: Voice = ""
    style: Literal["natural", "calm", "lively"] = Field("natural", description="How much it moves", examples=["lively"])
    lip_zero: bool = Field(True, description="Shut the picture's lips first, so that a smile can speak")
    eye_retargeting: bool = Field(True, description="Let it blink; off keeps the eyes of the picture")
    stitching: bool = Field(True, description="Keep the shoulders still")
    seed: int | None = Field(
        None, description="Leave out for the movement everyone gets, -1 for a new one", ge=-1, le=MAX_SEED
    )

    @model_validator(mode="after")
    def something_is_said(self) -> Self:
        if (self.audio is None) == (self.text is None):
            raise BadInput("Give what it says: either audio, a recording, or text, words to be spoken.")
        return self


def run(params: Params, context: Context) -> Result:
    """Raises BadInput for a damaged picture or sound, TooLarge for a long one, MissingModel."""
    from engine.animate.scene import Scene  # loads NumPy

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

    whole = pictures.pixels(portrait.path, "portrait")
    height, width = whole.shape[:2]
    part = min(1.0, LONGEST / max(height, width))
    if part < 1:
        whole = cv2.resize(
            whole, (max(1, round(width * part)), max(1, round(height * part))), interpolation=cv2.INTER_AREA
        )
    return whole


def _voiced(params: Params, folder: Path, context: Context) -> "Voiced":
    from engine.animate import sound  # loads NumPy

    if params.audio is not None:
        return sound.given(params.audio, context)
    assert params.text is not None
    return sound.spoken(params.text, params.language, params.voice, folder, context)


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
    from engine.animate.scene import RATE
    from engine.animate.speech import Speech
    from engine.animate.wishes import Wishes

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
    version=portraits.VERSION,
    params=Params,
    run=run,
    choose=portraits.choose,
    load=portraits.load,
    others={"voice": voice.load},
    size=size,
)
