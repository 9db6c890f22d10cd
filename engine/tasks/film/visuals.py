"""What is seen in each scene: a picture, given or drawn, with its depth; a portrait that talks; a clip by a model.

All of it runs in one thread, since models that work on the device are for one at a time.
"""

from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.core.artifact_cache import key_of
from engine.core.errors import UserMessage
from engine.core.job import Media, Result, hash_files
from engine.media.video import probe, with_dimensions, write_frames
from engine.tasks.film.context import FilmContext
from engine.tasks.film.film import MIXED, RATE
from engine.tasks.film.timeline import Footage, Voice, scene_seconds
from engine.tasks.text_to_video.contract import VideoRequest
from engine.tasks.text_to_video.ltx.resolution import MAX_FRAMES

if TYPE_CHECKING:
    from engine.tasks.imagine.params import Params

LAYERS = "layers"
"""Told as the depth's maker where the face or what stands out is one."""
CHARACTER_STRENGTH = 0.75
"""How far a scene's picture may leave the picture of the character."""


class Visuals:
    """`pictures` are those of the scenes so far, `makers` what animated them, `depths` what told how near their parts
    are. `alive` names the model that made clips, `painted` says that a painter took part.
    """

    def __init__(self, work: FilmContext) -> None:
        self.pictures: list[Media] = []
        self.makers: set[str] = set()
        self.depths: set[str] = set()
        self.painted = False
        self.alive = ""
        self._work = work
        self._film = work.film
        self._context = work.context

    def footage(self, number: int, voiced: "Future[Voice | None]") -> Footage:
        """Of a scene, counted from 0. Raises what drawing, animating and speaking do."""
        scene, film = self._film.scenes[number], self._film
        alive = scene.motion == "live" or (scene.motion == "auto" and film.lively)
        heard = scene.motion == "auto" and bool(scene.narration or film.sound)
        if alive and film.lively and scene.image is None and not heard:
            return Footage(self._clip(number, None, voiced))
        picture = self.picture(number)
        if (talking := self._talking(number, picture, voiced)) is not None:
            return Footage(talking, waits=True)
        if alive:
            return Footage(self._clip(number, picture, voiced))
        return Footage(picture, depth=self._depth(number, picture))

    def picture(self, number: int) -> Media:
        """Given, or drawn by `imagine`'s painter in this job."""
        given = self._film.scenes[number].image
        self.pictures.append(given or self._draw_image(number))
        return self.pictures[-1]

    def _draw_image(self, number: int) -> Media:
        from engine.tasks.imagine.params import Params

        film, service = self._film, self._context.for_task("imagine").service
        like = {"image": film.character, "strength": CHARACTER_STRENGTH} if film.character else {}
        params = Params.model_validate(
            {"prompt": film.prompt_of(number), "shape": film.shape, "seed": film.seed_of(number), **like}
        )
        self.painted = True
        key = key_of("picture", service.model, service.version, hash_files(params.model_dump(mode="json")))
        return self._work.stage(f"picture {number}", key, lambda: self._generate_image(params, number), "drawn").media[
            0
        ]

    def _generate_image(self, params: "Params", number: int) -> Result:
        self._work.news.doing("drawing", number)
        with self._context.model("imagine") as generator:
            painting = generator.generate(params, lambda *_: self._context.check())
        return Result(media=(self._context.save_image(painting.pictures[0]),), notes=painting.notes)

    def _depth(self, number: int, picture: Media) -> Media | None:
        """How near each part of it is, for parallax; None where that is not needed, or nobody can tell."""
        if self._film.motion_of(number) != "parallax":
            return None
        offered = self._context.service.offers["motion"]["parallax"]
        if not offered.identity:
            self.depths.add(LAYERS)
            if self._film.scenes[number].motion == "parallax":
                self._work.note(
                    UserMessage(
                        template="Parallax by what stands out in the picture: no network that sees depth is here."
                    )
                )
            return None
        key = key_of("depth", offered.identity, picture.sha256)
        made = self._work.stage(f"depth {number}", key, lambda: self._estimate_depth(picture))
        self.depths.add(str(made.facts["model"]))
        return made.media[0]

    def _estimate_depth(self, picture: Media) -> Result:
        from engine.media.rgb import load_rgb

        with self._context.model("depth") as reader:
            return Result(
                media=(self._context.save_image(reader.read(load_rgb(picture.path))),), facts={"model": reader.name}
            )

    def _talking(self, number: int, picture: Media, voiced: "Future[Voice | None]") -> Media | None:
        """The picture as a portrait that says what is said, by the task `animate`; None where it stays a picture."""
        scene, film = self._film.scenes[number], self._film
        if scene.motion != "talk" and not (scene.motion == "auto" and film.portraits):
            return None
        voice = voiced.result()
        sound = voice.media if voice else film.sound
        if sound is None or (scene.motion == "auto" and not self._has_face(picture)):
            return None
        from engine.tasks.animate import params as animate_params
        from engine.tasks.animate import task as animate

        context = self._context.for_task("animate", quiet=True)
        service = context.service
        key = key_of("talk", service.model, service.version, picture.sha256, sound.sha256, film.seed_of(number))
        params = animate_params.Params(portrait=picture, audio=sound, seed=film.seed_of(number))
        made = self._work.stage(f"talk {number}", key, lambda: animate.run(params, context))
        self.makers.add(str(made.facts["model"]))
        return made.media[0]

    def _has_face(self, picture: Media) -> bool:
        from engine.media.rgb import load_rgb
        from engine.tasks.film.camera.saliency import focus_of

        return focus_of(load_rgb(picture.path), self._context.weights).faced

    def _clip(self, number: int, picture: Media | None, voiced: "Future[Voice | None]") -> Media:
        """Made by the model of `video`, from the scene's words and, where there is one, its picture on."""
        film, offered = self._film, self._context.for_task("video").service.offers.get("motion", {})
        frames = round(scene_seconds(film, number, voiced.result()) * RATE) + self._overlap_frames(number)
        wish = (film.prompt_of(number), film.shape, frames, film.seed_of(number))
        identity = offered["live"].identity if "live" in offered else ""
        key = key_of("live", identity, *wish, picture.sha256 if picture else None)
        made = self._work.stage(
            f"live {number}", key, lambda: self._generate_clip(number, VideoRequest(*wish), picture)
        )
        self.alive = str(made.facts["model"])
        if film.scenes[number].motion == "auto":
            self._work.note(
                UserMessage(
                    template="{model} sets it in motion, since no motion was asked for; zoom and pan are quicker.",
                    facts={"model": self.alive},
                )
            )
        return made.media[0]

    def _generate_clip(self, number: int, wish: VideoRequest, picture: Media | None) -> Result:
        from engine.media.rgb import load_rgb

        with self._context.temp_dir() as folder, self._context.model("video") as video_generator:
            begun = None if picture is None else load_rgb(picture.path)
            path = folder / "clip.mp4"
            frames = video_generator.generate(
                replace(wish, picture=begun), lambda part: self._work.news.moving(number, part)
            )
            write_frames(frames, path, RATE, self._work.watch)
            made, name = self._context.save_file(path), video_generator.name
        long = UserMessage(
            template="{model} makes {most} s at a time: each part goes on from the last picture of the one before.",
            facts={"model": name, "most": round(MAX_FRAMES / RATE, 1)},
        )
        notes = (long,) if wish.frames > MAX_FRAMES else ()
        return Result(media=(with_dimensions(made, probe(made.path, made.mime)),), notes=notes, facts={"model": name})

    def _overlap_frames(self, number: int) -> int:
        """Frames that the scene goes on for while the next one comes."""
        last = number == len(self._film.scenes) - 1 and not self._film.credits
        return 0 if last else round(MIXED * RATE)
