"""A script becomes a film: drafted, shown as a storyboard, made."""

import io
import time
import zipfile
from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from engine.core.errors import BadInput
from engine.core.job import Fact, Media, Result
from engine.core.params import MAX_SEED, TaskParams
from engine.core.protocol import Capability
from engine.core.settings import WorkerSettings
from engine.core.task import Task
from engine.tasks import speech as voice
from engine.tasks.film import backends, scripts
from engine.tasks.film.context import FilmContext
from engine.tasks.film.film import Film, Scene
from engine.tasks.film.pipeline import render_film, storyboard
from engine.tasks.film.progress import BOARD
from engine.tasks.film.scripts.draft import draft
from engine.tasks.film.timeline import RenderedFilm
from engine.tasks.options import Captioned, FilmShape, Language, Music, Voice
from engine.tasks.speech import languages
from engine.tasks.subtitle.files.writer import format_srt
from engine.text.language import LanguageDetector
from engine.worker.context import Context


class Params(TaskParams):
    """The script, and what holds where it says nothing. `make` is how far to go: a person approves the storyboard."""

    script: str = Field(
        "",
        description="Scenes: what is seen, then > and what is said; a blank line, or |, between scenes",
        max_length=scripts.MAX_CHARACTERS,
        examples=["a castle at night > Night falls. | a sailboat at sunset > A boat comes home."],
        json_schema_extra={"rest": True},
    )
    file: Media | None = Field(
        None, description="The script as .txt, .md, .toml or .fountain", json_schema_extra={"accepts": ["script"]}
    )
    idea: str = Field("", description="Idea from which a script is drafted for you", max_length=300)
    make: Literal["storyboard", "film", "pictures"] = Field(
        "storyboard", description="The storyboard first, the film at once, or a ZIP of the pictures"
    )
    shape: FilmShape = "wide"
    style: str = Field("", description="Style of all pictures", max_length=300, examples=["watercolour"])
    character: Media | None = Field(
        None, description="Picture of who is in every scene", json_schema_extra={"accepts": ["image"]}
    )
    subtitles: Captioned = True
    music: Music = None
    voice: Voice = ""
    language: Language = None
    seed: int | None = Field(
        None, description="Leave out for the film everyone gets, -1 for a new one", ge=-1, le=MAX_SEED
    )

    @model_validator(mode="after")
    def there_is_one_script(self) -> Self:
        given = [bool(self.script), self.file is not None, bool(self.idea)]
        if sum(given) != 1:
            raise BadInput("Give one of script, file or idea: the film is made from that one.")
        return self

    @model_validator(mode="after")
    def the_script_is_sound(self) -> Self:
        if self.script:
            scripts.read(self.script)
        return self

    def chosen_names(self, option: str) -> tuple[str, ...]:
        """The motions that the script names; not yet those of a draft."""
        if option != "motion":
            return super().chosen_names(option)
        scenes = scripts.read(self.script).scenes if self.script else ()
        return tuple(sorted({scene.motion or "auto" for scene in scenes}))

    def read_script(self) -> "Params":
        """These parameters with the script of the file as text. Raises BadInput and TooLarge, naming the line."""
        if self.file is None:
            return self
        with self.file.path.open("rb") as file:
            text = scripts.decode(file.read(scripts.MAX_BYTES + 1))
        script = scripts.read(text, self.file.path.suffix.removeprefix("."))
        return self.model_copy(update={"script": script.text(), "file": None})


def run(params: Params, context: Context) -> Result:
    """Draft, draw or make, as `params.make` says. Raises BadInput, and what drawing, speaking and filming raise."""
    begun = time.monotonic()
    params = params.read_script()
    if params.idea:
        return _draft_script(params, begun)
    script = scripts.read(params.script)
    film = _film(params, script)
    voice.find_voice(film.voice, context.weights)  # before a storyboard is approved that nobody could speak
    if params.make == "film":
        return _film_result(params, script, render_film(FilmContext(film, context)), context, begun)
    work = FilmContext(film, context, BOARD)
    pictures = storyboard(work)
    facts = _facts(params, context, begun) | {"scenes": len(pictures)}
    if params.make == "pictures":
        return Result(media=(_zip(pictures, context),), notes=tuple(work.notes), facts=facts)
    from engine.media.rgb import load_rgb
    from engine.tasks.film.storyboard_sheet import render_storyboard  # loads OpenCV

    shown = context.save_image(render_storyboard((load_rgb(each.path) for each in pictures), film, context.weights))
    told: dict[str, Fact] = {"script": script.text(), "storyboard": True}
    return Result(media=(shown,), notes=tuple(work.notes), facts=facts | told)


def _draft_script(params: Params, begun: float) -> Result:
    language = languages.base(params.language or LanguageDetector().detect(params.idea))
    script = draft(params.idea, language, params.seed or 0)
    facts: dict[str, Fact] = {"script": script.text(), "draft": True, "seed": params.seed or 0}
    made_by: dict[str, Fact] = {"backend": "grammar", "tier": "embedded", "model": "grammar"}
    return Result(text=script.text(), facts=facts | made_by | {"seconds": round(time.monotonic() - begun, 2)})


def _film(params: Params, script: scripts.Script) -> Film:
    holding: Any = {"shape": script.shape or params.shape}
    return Film(
        scenes=tuple(Scene.of(scene, script.transition) for scene in script.scenes),
        style=script.style or params.style,
        seed=params.seed or 0,
        title=script.title,
        credits=script.credits,
        voice=script.voice or params.voice,
        language=script.language or params.language,
        subtitles=params.subtitles,
        music=params.music,
        character=params.character,
        **holding,
    )


def _film_result(params: Params, script: scripts.Script, made: RenderedFilm, context: Context, begun: float) -> Result:
    media = [made.video]
    if made.cues:
        media.append(context.save_file(format_srt(made.cues).encode(), ".srt"))
    media.append(context.save_file(script.text().encode(), ".txt"))
    facts = _facts(params, context, begun)
    model = ", ".join([str(facts["model"]), *([made.alive] if made.alive else []), *made.makers])
    about: dict[str, Fact] = {"scenes": len(made.pictures), "length": made.video.seconds, "model": model}
    told: dict[str, Fact] = {"script": script.text(), "film": True}
    starts: list[Fact] = [round(start, 3) for start in made.starts]
    return Result(
        media=tuple(media), notes=tuple(made.notes), facts=facts | made.facts | about | told | {"starts": starts}
    )


def _zip(pictures: Sequence[Media], context: Context) -> Media:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as packed:
        for number, picture in enumerate(pictures, 1):
            entry = zipfile.ZipInfo(f"scene-{number:02}{picture.path.suffix}")  # without the time: the same is the same
            packed.writestr(entry, picture.path.read_bytes())
    return context.save_file(held.getvalue(), ".zip")


def _facts(params: Params, context: Context, begun: float) -> dict[str, Fact]:
    generator = context.for_task("imagine").service
    return {
        "seed": params.seed or 0,
        "backend": context.service.backend,
        "tier": generator.tier,
        "model": generator.model,
        "seconds": round(time.monotonic() - begun, 2),
    }


def workload_class(params: Params) -> str:
    """What its time hangs on: what is made, and how many scenes there are."""
    if params.idea or params.file:
        return "draft"
    script = scripts.read(params.script)
    seconds = round(sum(scene.length for scene in script.scenes))
    return f"{params.make}, {len(script.scenes)} scenes, 2^{seconds.bit_length()} s"


def choose(settings: WorkerSettings) -> Capability:
    return backends.choose("scenes", settings)


TASK = Task(
    name="scenes",
    version=1,
    params=Params,
    run=run,
    choose=choose,
    extra_models=backends.OTHERS,
    workload_class=workload_class,
)
