"""A short video: a picture that moves, with sound."""

import time
from typing import Self

from pydantic import Field, model_validator

from engine.core.errors import BadInput, TooLarge
from engine.core.job import Fact, Media, Result
from engine.core.params import MAX_PROMPT_CHARACTERS, MAX_SEED, TaskParams
from engine.core.protocol import Capability
from engine.core.settings import WorkerSettings
from engine.core.task import Task
from engine.tasks.film import backends as filmmakers
from engine.tasks.film.context import FilmContext
from engine.tasks.film.film import Film, Scene
from engine.tasks.film.pipeline import render_film
from engine.tasks.film.scripts.script import LONGEST, SHORTEST
from engine.tasks.film.timeline import RenderedFilm
from engine.tasks.options import (
    AnyLanguage,
    Captioned,
    FilmMotion,
    FilmShape,
    Music,
    Voice,
    check_heard_language,
    check_spoken_language,
)
from engine.tasks.subtitle.files.writer import format_srt
from engine.tasks.text_to_video import backends as clips
from engine.worker.context import Context

MAX_SOUND_SECONDS = 300.0
"""Seconds that a recording may have for a video of it."""


class Params(TaskParams):
    """What to show and what to say. A missing `seconds` is as long as what is heard takes."""

    prompt: str = Field(
        "",
        description="What to show; leave it out with a picture of your own",
        max_length=MAX_PROMPT_CHARACTERS,
        examples=["a castle at night"],
        json_schema_extra={"rest": True},
    )
    image: Media | None = Field(None, description="Picture to set in motion", json_schema_extra={"accepts": ["image"]})
    audio: Media | None = Field(None, description="Sound of the video", json_schema_extra={"accepts": ["sound"]})
    text: str = Field("", description="Words to be spoken in it", max_length=1000, examples=["Night falls."])
    seconds: float | None = Field(
        None, description="How long; as long as its sound where left out", ge=SHORTEST, le=LONGEST, examples=[5]
    )
    motion: FilmMotion = "auto"
    shape: FilmShape = "wide"
    subtitles: Captioned = False
    music: Music = None
    voice: Voice = ""
    language: AnyLanguage = None
    seed: int | None = Field(
        None, description="Leave out for the video everyone gets, -1 for a new one", ge=-1, le=MAX_SEED
    )

    @model_validator(mode="after")
    def there_is_something_to_show(self) -> Self:
        if not self.prompt and self.image is None:
            raise BadInput("There is nothing to show. Write a prompt, or attach a picture as image.")
        return self

    @model_validator(mode="after")
    def there_is_one_sound(self) -> Self:
        if self.audio is not None and self.text:
            raise BadInput("audio and text are both what is heard. Leave one of them out.")
        if self.subtitles and self.audio is None and not self.text:
            raise BadInput("subtitles go with text or audio, since they write what is said. Give one of them.")
        if (self.voice or self.language) and self.audio is None and not self.text:
            raise BadInput("voice and language go with text, which is then spoken. Give one, or leave them out.")
        return self

    @model_validator(mode="after")
    def the_language_is_spoken_or_heard(self) -> Self:
        if self.text:
            check_spoken_language(self.language)
        elif self.subtitles:
            check_heard_language(self.language)
        return self

    @model_validator(mode="after")
    def a_portrait_has_something_to_say(self) -> Self:
        if self.motion == "talk" and self.audio is None and not self.text:
            raise BadInput("motion talk goes with text or audio, which the portrait then says. Give one of them.")
        return self

    @model_validator(mode="after")
    def the_sound_is_not_too_long(self) -> Self:
        if self.audio is not None and (self.audio.seconds or 0) > MAX_SOUND_SECONDS:
            raise TooLarge(
                "audio is {seconds} s long; at most {bound} s are allowed. Cut it shorter.",
                seconds=round(self.audio.seconds or 0),
                bound=round(MAX_SOUND_SECONDS),
            )
        return self


def run(params: Params, context: Context) -> Result:
    """Draw where there is no picture, speak, film. Raises BadInput for a damaged sound or an unknown voice."""
    begun = time.monotonic()
    context.progress("loading", 0)
    made = render_film(FilmContext(_film(params, context), context))
    media = [made.video]
    if made.cues:
        media.append(context.save_file(format_srt(made.cues).encode(), ".srt"))
    facts = _facts(params, context, made) | made.facts | {"length": made.video.seconds}
    seconds = {"seconds": round(time.monotonic() - begun, 2)}
    return Result(media=tuple(media), notes=tuple(made.notes), facts=facts | seconds)


def _film(params: Params, context: Context) -> Film:
    scene = Scene(
        prompt=params.prompt,
        narration=params.text,
        seconds=params.seconds,
        motion=params.motion,
        transition="cut",
        image=params.image,
    )
    return Film(
        scenes=(scene,),
        shape=params.shape,
        seed=params.seed or 0,
        voice=params.voice,
        language=params.language,
        subtitles=params.subtitles,
        music=params.music,
        sound=params.audio,
        portraits=True,
        lively="live" in context.service.offers.get("motion", {}),
    )


def _facts(params: Params, context: Context, made: RenderedFilm) -> dict[str, Fact]:
    """The backends that took part in this one."""
    generator = context.for_task("imagine").service
    backends = [*([generator.backend] if made.painted else []), *(["ltx"] if made.alive else []), "ffmpeg"]
    models = [*([generator.model] if made.painted else []), *([made.alive] if made.alive else []), *made.makers]
    about: dict[str, Fact] = {"prompt": params.prompt, "seed": params.seed or 0}
    tier = "full" if made.alive else generator.tier if made.painted else "embedded"
    return about | {"backend": " + ".join(backends), "tier": tier, "model": ", ".join(models) or "FFmpeg"}


def workload_class(params: Params) -> str:
    """What its time hangs on: how long it is, to the nearest power of two, and where its picture comes from."""
    seconds = params.seconds or (params.audio.seconds if params.audio else None) or len(params.text) / 12 or 4
    return f"{params.motion} {params.shape}, 2^{int(seconds).bit_length()} s, {'given' if params.image else 'drawn'}"


def choose(settings: WorkerSettings) -> Capability:
    return filmmakers.choose("video", settings)


TASK = Task(
    name="video",
    version=1,
    params=Params,
    run=run,
    choose=choose,
    load=clips.load,
    extra_models=filmmakers.OTHERS,
    workload_class=workload_class,
)
