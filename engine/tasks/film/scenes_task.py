"""The `scenes` task: draft a script from an idea, draw a storyboard of a script, or render it as a film."""

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
from engine.tasks.film.pipeline import draw_storyboard, render_film
from engine.tasks.film.progress import STORYBOARD_SHARES
from engine.tasks.film.scripts.draft import draft
from engine.tasks.film.timeline import RenderedFilm
from engine.tasks.options import Captioned, FilmShape, Language, Music, Voice
from engine.tasks.speech import languages
from engine.tasks.subtitle.files.writer import format_srt
from engine.text.language import LanguageDetector
from engine.worker.context import Context


class Params(TaskParams):
    """The script, and defaults for what it does not specify. `make` is how far to go: users approve the storyboard
    first.
    """

    script: str = Field(
        "",
        description="Script: what each scene shows, then > and what is said; a blank line or | between scenes",
        max_length=scripts.MAX_CHARACTERS,
        examples=["a castle at night > Night falls. | a sailboat at sunset > A boat comes home."],
        json_schema_extra={"rest": True},
    )
    file: Media | None = Field(
        None,
        description="Your script as a .txt, .md, .toml or .fountain file",
        json_schema_extra={"accepts": ["script"]},
    )
    idea: str = Field("", description="An idea to draft a script from", max_length=300)
    make: Literal["storyboard", "film", "pictures"] = Field(
        "storyboard", description="Make a storyboard first, the whole film, or a ZIP of the pictures"
    )
    shape: FilmShape = "wide"
    style: str = Field("", description="Style of all the pictures", max_length=300, examples=["watercolour"])
    character: Media | None = Field(
        None, description="Picture of a character who appears in every scene", json_schema_extra={"accepts": ["image"]}
    )
    subtitles: Captioned = True
    music: Music = None
    voice: Voice = ""
    language: Language = None
    seed: int | None = Field(None, description="Same seed, same film; -1 for a random one", ge=-1, le=MAX_SEED)

    @model_validator(mode="after")
    def check_one_script(self) -> Self:
        """Raise BadInput unless exactly one of `script`, `file` and `idea` is given."""
        sources = [bool(self.script), self.file is not None, bool(self.idea)]
        if sum(sources) != 1:
            raise BadInput("Start with one of these: a script, a script file or an idea.")
        return self

    @model_validator(mode="after")
    def check_script(self) -> Self:
        """Raise BadInput or TooLarge, with the line number, if the script is not valid."""
        if self.script:
            scripts.read(self.script)
        return self

    def chosen_names(self, option: str) -> tuple[str, ...]:
        """Return the motions that the script uses. A script drafted from an idea is not known yet."""
        if option != "motion":
            return super().chosen_names(option)
        scenes = scripts.read(self.script).scenes if self.script else ()
        return tuple(sorted({scene.motion or "auto" for scene in scenes}))

    def read_script(self) -> "Params":
        """Return these parameters with the file replaced by its text. Raises BadInput and TooLarge with the line
        number.
        """
        if self.file is None:
            return self
        with self.file.path.open("rb") as file:
            text = scripts.decode(file.read(scripts.MAX_BYTES + 1))
        script = scripts.read(text, self.file.path.suffix.removeprefix("."))
        return self.model_copy(update={"script": script.text(), "file": None})


def run(params: Params, context: Context) -> Result:
    """Draft a script, draw a storyboard or render a film, as `params.make` says.

    Raises BadInput, and what generating, speaking and encoding raise.
    """
    started = time.monotonic()
    params = params.read_script()
    if params.idea:
        return _draft_script(params, started)
    script = scripts.read(params.script)
    film = _build_film(params, script)
    voice.find_voice(film.voice, context.weights)  # an unknown voice fails before the storyboard, not after
    if params.make == "film":
        return _film_result(params, script, render_film(FilmContext(film, context)), context, started)
    work = FilmContext(film, context, STORYBOARD_SHARES)
    pictures = draw_storyboard(work)
    facts = _facts(params, context, started) | {"scenes": len(pictures)}
    if params.make == "pictures":
        return Result(media=(_zip(pictures, context),), notes=tuple(work.notes), facts=facts)
    from engine.media.rgb import load_rgb
    from engine.tasks.film.storyboard_sheet import render_storyboard  # loads OpenCV

    sheet = context.save_image(render_storyboard((load_rgb(each.path) for each in pictures), film, context.weights))
    script_facts: dict[str, Fact] = {"script": script.text(), "storyboard": True}
    return Result(media=(sheet,), notes=tuple(work.notes), facts=facts | script_facts)


def _draft_script(params: Params, started: float) -> Result:
    language = languages.base_language(params.language or LanguageDetector().detect(params.idea))
    script = draft(params.idea, language, params.seed or 0)
    facts: dict[str, Fact] = {"script": script.text(), "draft": True, "seed": params.seed or 0}
    makers: dict[str, Fact] = {"backend": "grammar", "tier": "embedded", "model": "grammar"}
    return Result(text=script.text(), facts=facts | makers | {"seconds": round(time.monotonic() - started, 2)})


def _build_film(params: Params, script: scripts.Script) -> Film:
    options: Any = {"shape": script.shape or params.shape}
    return Film(
        scenes=tuple(Scene.from_script(scene, script.transition) for scene in script.scenes),
        style=script.style or params.style,
        seed=params.seed or 0,
        title=script.title,
        credits=script.credits,
        voice=script.voice or params.voice,
        language=script.language or params.language,
        subtitles=params.subtitles,
        music=params.music,
        character=params.character,
        **options,
    )


def _film_result(
    params: Params, script: scripts.Script, made: RenderedFilm, context: Context, started: float
) -> Result:
    media = [made.video]
    if made.cues:
        media.append(context.save_file(format_srt(made.cues).encode(), ".srt"))
    media.append(context.save_file(script.text().encode(), ".txt"))
    facts = _facts(params, context, started)
    model = ", ".join([str(facts["model"]), *([made.video_model] if made.video_model else []), *made.models])
    counts: dict[str, Fact] = {"scenes": len(made.pictures), "length": made.video.seconds, "model": model}
    script_facts: dict[str, Fact] = {"script": script.text(), "film": True}
    starts: list[Fact] = [round(start, 3) for start in made.starts]
    return Result(
        media=tuple(media),
        notes=tuple(made.notes),
        facts=facts | made.facts | counts | script_facts | {"starts": starts},
    )


def _zip(pictures: Sequence[Media], context: Context) -> Media:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for number, picture in enumerate(pictures, 1):
            entry = zipfile.ZipInfo(
                f"scene-{number:02}{picture.path.suffix}"
            )  # no timestamp: equal pictures make equal files
            packed.writestr(entry, picture.path.read_bytes())
    return context.save_file(buffer.getvalue(), ".zip")


def _facts(params: Params, context: Context, started: float) -> dict[str, Fact]:
    generator = context.for_task("imagine").service
    return {
        "seed": params.seed or 0,
        "backend": context.service.backend,
        "tier": generator.tier,
        "model": generator.model,
        "seconds": round(time.monotonic() - started, 2),
    }


def workload_class(params: Params) -> str:
    """Return what the run time depends on: what is made, the number of scenes and the length to the nearest power of
    two.
    """
    if params.idea or params.file:
        return "draft"
    script = scripts.read(params.script)
    seconds = round(sum(scene.length for scene in script.scenes))
    return f"{params.make}, {len(script.scenes)} scenes, 2^{seconds.bit_length()} s"


def choose(settings: WorkerSettings) -> Capability:
    """Return the backends for `scenes`."""
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
