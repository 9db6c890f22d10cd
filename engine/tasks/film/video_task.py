"""The `video` task: a short video of one picture, with sound."""

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
from engine.tasks.film.scripts.script import MAX_SCENE_SECONDS, MIN_SCENE_SECONDS
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
"""Maximum length of a recording."""


class Params(TaskParams):
    """What to show and what to say. `seconds` None means as long as the sound."""

    prompt: str = Field(
        "",
        description="What to show; not needed if you attach a picture",
        max_length=MAX_PROMPT_CHARACTERS,
        examples=["a castle at night"],
        json_schema_extra={"rest": True},
    )
    image: Media | None = Field(None, description="Picture to animate", json_schema_extra={"accepts": ["image"]})
    audio: Media | None = Field(None, description="Audio for the video", json_schema_extra={"accepts": ["sound"]})
    text: str = Field("", description="What to say in the video", max_length=1000, examples=["Night falls."])
    seconds: float | None = Field(
        None,
        description="Length in seconds; as long as the sound by default",
        ge=MIN_SCENE_SECONDS,
        le=MAX_SCENE_SECONDS,
        examples=[5],
    )
    motion: FilmMotion = "auto"
    shape: FilmShape = "wide"
    subtitles: Captioned = False
    music: Music = None
    voice: Voice = ""
    language: AnyLanguage = None
    seed: int | None = Field(None, description="Same seed, same video; -1 for a random one", ge=-1, le=MAX_SEED)

    @model_validator(mode="after")
    def check_picture(self) -> Self:
        """Raise BadInput if there is neither a prompt nor a picture."""
        if not self.prompt and self.image is None:
            raise BadInput("There is nothing to show. Write a prompt or attach a picture.")
        return self

    @model_validator(mode="after")
    def check_sound(self) -> Self:
        """Raise BadInput for more than one source of speech, or for speech options without any."""
        if self.audio is not None and self.text:
            raise BadInput("A video can have either audio or text, not both. Remove one of them.")
        if self.subtitles and self.audio is None and not self.text:
            raise BadInput("Subtitles need something to write down. Add text or audio, or remove subtitles.")
        if (self.voice or self.language) and self.audio is None and not self.text:
            raise BadInput("voice and language need text to speak. Add text, or remove them.")
        return self

    @model_validator(mode="after")
    def check_language(self) -> Self:
        """Raise BadInput if no voice speaks the language, or if Whisper cannot transcribe it."""
        if self.text:
            check_spoken_language(self.language)
        elif self.subtitles:
            check_heard_language(self.language)
        return self

    @model_validator(mode="after")
    def check_talk(self) -> Self:
        """Raise BadInput if a portrait should talk without anything to say."""
        if self.motion == "talk" and self.audio is None and not self.text:
            raise BadInput("A talking portrait needs something to say. Add text or audio, or choose another motion.")
        return self

    @model_validator(mode="after")
    def check_length(self) -> Self:
        """Raise TooLarge if the recording is too long."""
        if self.audio is not None and (self.audio.seconds or 0) > MAX_SOUND_SECONDS:
            raise TooLarge(
                "The audio is {seconds:,} s long; the limit is {bound:,} s. Trim it.",
                seconds=round(self.audio.seconds or 0),
                bound=round(MAX_SOUND_SECONDS),
            )
        return self


def run(params: Params, context: Context) -> Result:
    """Generate the picture if needed, speak, and render the video. Raises BadInput for a damaged recording or unknown
    voice.
    """
    started = time.monotonic()
    context.progress("loading", 0)
    film = render_film(FilmContext(_build_film(params, context), context))
    media = [film.video]
    if film.cues:
        media.append(context.save_file(format_srt(film.cues).encode(), ".srt"))
    facts = _facts(params, context, film) | film.facts | {"length": film.video.seconds}
    seconds = {"seconds": round(time.monotonic() - started, 2)}
    return Result(media=tuple(media), notes=tuple(film.notes), facts=facts | seconds)


def _build_film(params: Params, context: Context) -> Film:
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
        animate_faces=True,
        use_video_model="live" in context.service.offers.get("motion", {}),
    )


def _facts(params: Params, context: Context, film: RenderedFilm) -> dict[str, Fact]:
    """Return the facts of the result, with the backends that this video used."""
    generator = context.for_task("imagine").service
    backends = [
        *([generator.backend] if film.used_image_generator else []),
        *(["ltx"] if film.video_model else []),
        "ffmpeg",
    ]
    models = [
        *([generator.model] if film.used_image_generator else []),
        *([film.video_model] if film.video_model else []),
        *film.models,
    ]
    inputs: dict[str, Fact] = {"prompt": params.prompt, "seed": params.seed or 0}
    tier = "full" if film.video_model else generator.tier if film.used_image_generator else "embedded"
    return inputs | {"backend": " + ".join(backends), "tier": tier, "model": ", ".join(models) or "FFmpeg"}


def workload_class(params: Params) -> str:
    """Return what the run time depends on: the motion, the shape, the length to a power of two, and the picture's
    source.
    """
    seconds = params.seconds or (params.audio.seconds if params.audio else None) or len(params.text) / 12 or 4
    return f"{params.motion} {params.shape}, 2^{int(seconds).bit_length()} s, {'given' if params.image else 'drawn'}"


def choose(settings: WorkerSettings) -> Capability:
    """Return the backends for `video`."""
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
