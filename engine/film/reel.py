"""A film being made: while one scene is drawn, another is spoken and a third is filmed."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from engine.backends.clips import Wish
from engine.backends.ltx.extent import MOST
from engine.errors import Cancelled, Sentence
from engine.film.film import RATE, SIZES, Film
from engine.film.news import BOARD, News
from engine.film.pieces import Cutting, Footage, Made, Piece, Voice
from engine.film.titles import cues_of, look
from engine.job import Fact, Media, Result, by_content
from engine.parts import Parts, key_of
from engine.scripts.script import SHORTEST, USUAL
from engine.subtitles.cues import Cue, Word, cut
from engine.subtitles.listener import Listener
from engine.subtitles.render import furnish
from engine.task import Context
from engine.video import Watch, described, probe, write

if TYPE_CHECKING:
    from engine.backends.whisper import Transcript
    from engine.tasks.imagine import Params

T = TypeVar("T")

LEAD, TAIL = 0.5, 0.7
"""Seconds of a scene before its first word and after its last."""
CARD = 3.0
"""Seconds of the title; the credits have one more."""
LIKE = 0.75
"""How far a scene's picture may leave the picture of the character."""
MIXED = 0.6
"""Seconds of a transition."""
LIMIT = 3600.0
"""Seconds that one run of FFmpeg may take; the engine's own limit ends a job sooner."""
LOOK = 0.2
"""Seconds between two looks whether the job was cancelled."""


class Reel:
    """Makes `film` in one job. Every part is a stage of the job, and is kept for other films that have the same."""

    def __init__(self, film: Film, context: Context) -> None:
        self.film = film
        self.notes: list[Sentence] = []
        self._context = context
        self._parts = Parts(context.folder)
        self._news = News(context, film)
        self._stop = threading.Event()
        self._watch = Watch(context.cancelled, LIMIT)
        self._lock = threading.Lock()
        self._listened: Transcript | None = None
        self._pictures: list[Media] = []
        self._animators: set[str] = set()
        self._painted_any = False
        self._alive = ""

    def pictures(self) -> list[Media]:
        """The scenes' pictures, given or drawn now. Raises what drawing does."""
        self._news = News(self._context, self.film, BOARD)
        for number in range(len(self.film.scenes)):
            self._pictures.append(self._picture(number))
            self._news.done("drawn", number + 1)
        return self._pictures

    def make(self) -> Made:
        """The whole film. Raises what drawing, speaking and filming do, and Cancelled."""
        with self._context.scratch() as folder:
            furnish(folder, self._context.weights)
            speaker, filmer = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
            try:
                return self._made(folder, speaker, filmer)
            finally:
                self._stop.set()
                speaker.shutdown(wait=False, cancel_futures=True)
                filmer.shutdown(wait=True, cancel_futures=True)

    def _made(self, folder: Path, speaker: ThreadPoolExecutor, filmer: ThreadPoolExecutor) -> Made:
        count = len(self.film.scenes)
        self._listen()
        footage: list[Future[Footage]] = [Future() for _ in range(count)]
        voices = [speaker.submit(self._spoken, number, folder) for number in range(count)]
        filmed = filmer.submit(self._filmed, folder, footage, voices)
        try:
            self._draw(footage, voices, filmed)
        finally:
            for each in footage:
                each.cancel()  # nobody waits for what was not drawn
        while not wait([filmed], LOOK).done:
            self._context.check()
        pieces, segments = filmed.result()
        spoken = [each.result() for each in voices]
        return self._joined(folder, Cutting(pieces, segments, self._pictures, spoken))

    def _draw(
        self, footage: "list[Future[Footage]]", voices: "list[Future[Voice | None]]", filmed: "Future[Any]"
    ) -> None:
        """Everything that needs a model of the pool, in this thread: it is for one at a time."""
        for number, each in enumerate(footage):
            if filmed.done():
                return  # it failed, and says why
            each.set_result(self._footage(number, voices[number]))
            self._news.done("drawn", number + 1)

    def _footage(self, number: int, voiced: "Future[Voice | None]") -> Footage:
        scene, film = self.film.scenes[number], self.film
        alive = scene.motion == "live" or (scene.motion == "auto" and film.lively)
        heard = scene.motion == "auto" and bool(scene.narration or film.sound)
        if alive and film.lively and scene.image is None and not heard:
            return Footage(self._clip(number, None, voiced))
        picture = self._picture(number)
        self._pictures.append(picture)
        if (talking := self._talking(number, picture, voiced)) is not None:
            return Footage(talking, waits=True)
        return Footage(self._clip(number, picture, voiced) if alive else picture)

    def _clip(self, number: int, picture: Media | None, voiced: "Future[Voice | None]") -> Media:
        """Made by the model of `video`, from the scene's words and, where there is one, its picture on."""
        film, offered = self.film, self._context.acting("video").service.offers.get("motion", {})
        frames = round(self._seconds(number, voiced.result()) * RATE) + self._mixed(number)
        wish = (film.prompt_of(number), film.shape, frames, film.seed_of(number))
        identity = offered["live"].identity if "live" in offered else ""
        key = key_of("live", identity, *wish, picture.sha256 if picture else None)
        made = self._stage(f"live {number}", key, lambda: self._moved(number, Wish(*wish), picture))
        self._note(*made.notes)
        self._alive = str(made.facts["model"])
        if film.scenes[number].motion == "auto":
            self._note(
                Sentence(
                    template="{model} sets it in motion, since no motion was asked for; zoom and pan are quicker.",
                    facts={"model": self._alive},
                )
            )
        return made.media[0]

    def _moved(self, number: int, wish: Wish, picture: Media | None) -> Result:
        from engine.pictures import pixels

        with self._context.scratch() as folder, self._context.model("video") as clipper:
            begun = None if picture is None else pixels(picture.path)
            path = folder / "clip.mp4"
            frames = clipper.clip(replace(wish, picture=begun), lambda part: self._news.moving(number, part))
            write(frames, path, RATE, self._watch)
            made, name = self._context.keep_file(path), clipper.name
        long = Sentence(
            template="{model} makes {most} s at a time: each part goes on from the last picture of the one before.",
            facts={"model": name, "most": round(MOST / RATE, 1)},
        )
        notes = (long,) if wish.frames > MOST else ()
        return Result(media=(described(made, probe(made.path, made.mime)),), notes=notes, facts={"model": name})

    def _mixed(self, number: int) -> int:
        """Frames that the scene goes on for while the next one comes."""
        last = number == len(self.film.scenes) - 1 and not self.film.credits
        return 0 if last else round(MIXED * RATE)

    def _talking(self, number: int, picture: Media, voiced: "Future[Voice | None]") -> Media | None:
        """The picture as a portrait that says what is said, by the task `animate`; None where it stays a picture."""
        scene, film = self.film.scenes[number], self.film
        if scene.motion != "talk" and not (scene.motion == "auto" and film.portraits):
            return None
        voice = voiced.result()
        sound = voice.media if voice else film.sound
        if sound is None or (scene.motion == "auto" and not self._faced(picture)):
            return None
        from engine.tasks import animate

        context = self._context.acting("animate", quiet=True)
        service = context.service
        key = key_of("talk", service.model, service.version, picture.sha256, sound.sha256, film.seed_of(number))
        params = animate.Params(portrait=picture, audio=sound, seed=film.seed_of(number))
        made = self._stage(f"talk {number}", key, lambda: animate.run(params, context))
        self._note(*made.notes)
        self._animators.add(str(made.facts["model"]))
        return made.media[0]

    def _faced(self, picture: Media) -> bool:
        from engine.film.focus import focus_of
        from engine.pictures import pixels

        return focus_of(pixels(picture.path), self._context.weights).faced

    def _picture(self, number: int) -> Media:
        """Drawn by `imagine`'s painter, in this job."""
        scene = self.film.scenes[number]
        if scene.image is not None:
            return scene.image
        from engine.tasks.imagine import Params

        service = self._context.acting("imagine").service
        like = {"image": self.film.character, "strength": LIKE} if self.film.character else {}
        params = Params.model_validate(
            {"prompt": self.film.prompt_of(number), "shape": self.film.shape, "seed": self.film.seed_of(number), **like}
        )
        self._painted_any = True
        key = key_of("picture", service.model, service.version, by_content(params.model_dump(mode="json")))
        made = self._stage(f"picture {number}", key, lambda: self._painted(params, number), "drawn")
        self._note(*made.notes)
        return made.media[0]

    def _painted(self, params: "Params", number: int) -> Result:
        self._news.doing("drawing", number)
        with self._context.model("imagine") as painter:
            painting = painter.paint(params, lambda *_: self._context.check())
        return Result(media=(self._context.keep(painting.pictures[0]),), notes=painting.notes)

    def _spoken(self, number: int, folder: Path) -> Voice | None:
        """What is said in a scene; None where nothing is."""
        text = self.film.scenes[number].narration
        made = None
        if text:
            from engine.backends.voice import identity

            key = key_of("voice", identity(self._context.weights), self.film.language, self.film.voice, text)
            path = folder / f"voice{number}.wav"
            made = self._stage(f"voice {number}", key, lambda: self._narrated(text, path), "spoken")
            self._note(*made.notes)
        self._news.done("spoken", number + 1)
        return _voice(made) if made else None

    def _narrated(self, text: str, path: Path) -> Result:
        from engine.film.speech import narrate

        film = self.film
        with self._context.model("voice") as speaker:
            spoken, words = narrate(text, path, speaker, self._check, language=film.language, voice=film.voice)
        facts: dict[str, Fact] = {
            "words": [[word.text, word.start, word.end] for word in words],
            "voice": spoken.voice,
            "language": spoken.language,
        }
        kept = self._context.keep_file(path)
        media = kept.model_copy(update={"seconds": round(spoken.seconds, 3)})
        return Result(media=(media,), notes=spoken.notes, facts=facts)

    def _filmed(
        self, folder: Path, footage: "list[Future[Footage]]", voices: "list[Future[Voice | None]]"
    ) -> tuple[list[Piece], list[Media]]:
        """Each piece as it can be made, in order."""
        from engine.film.filming import Camera  # loads OpenCV

        camera = Camera(self.film, self._context, folder, self._stop)
        pieces, segments = list[Piece](), list[Media]()
        for planned in self._planned():
            voice = self._awaited("speaking", voices, planned.scene)
            shown = self._awaited("drawing", footage, planned.scene)
            piece = planned if planned.card else self._timed(planned, voice)
            lead = LEAD if voice and shown.waits else 0.0
            key, make = camera.take(piece, shown.media, lead, partial(self._news.filmed, planned.scene))
            taken = partial(self._taken, planned.scene, make)
            segments.append(self._stage(piece.name, key, taken, "" if piece.card else "filmed").media[0])
            pieces.append(piece)
            self._news.filmed(planned.scene, 0 if piece.kind == "title" else 1)
        return pieces, segments

    def _awaited(self, what: str, lane: list[Future[T]], scene: int) -> T:
        if not lane[scene].done():
            self._news.waiting(what, scene)
        return lane[scene].result()

    def _taken(self, scene: int, make: Callable[[], Result]) -> Result:
        self._news.doing("filming", scene)
        return make()

    def _planned(self) -> Iterator[Piece]:
        """The pieces of the film, before it is known how long they are."""
        film, last = self.film, len(self.film.scenes) - 1
        if film.title:
            yield Piece("title", 0, round(CARD * RATE), "cut", film.title, "title")
        for number, scene in enumerate(film.scenes):
            first = number == 0 and not film.title
            yield Piece(f"scene {number}", number, 0, "cut" if first else scene.transition)
        if film.credits:
            lines = "\n".join(film.credits.split(" / "))
            yield Piece("credits", last, round((CARD + 1) * RATE), "crossfade", lines, "credits")

    def _timed(self, piece: Piece, voice: Voice | None) -> Piece:
        """As long as it was asked to be, or as what is said in it takes, with its captions."""
        asked, sound = self.film.scenes[piece.scene].seconds, self.film.sound
        seconds, needed = self._seconds(piece.scene, voice), _needed(voice)
        if asked and needed > asked + 1 / RATE:
            self._note(
                Sentence(
                    template="Scene {scene} lasts {seconds} s instead of {asked} s, so that its words can be said.",
                    facts={"scene": piece.scene + 1, "seconds": round(seconds, 1), "asked": round(asked, 1)},
                )
            )
        frames, cues, language = round(seconds * RATE), list[Cue](), "en"
        if voice:
            language = voice.language
            cues = cues_of(voice.words, SIZES[self.film.shape], language, LEAD, frames / RATE)
        elif sound is not None and self.film.subtitles:
            cues, language = self._heard()
        return replace(piece, frames=frames, cues=tuple(cues), language=language)

    def _seconds(self, number: int, voice: Voice | None) -> float:
        """How long a scene lasts."""
        asked, sound, needed = self.film.scenes[number].seconds, self.film.sound, _needed(voice)
        return max(asked or needed or (sound.seconds if sound else None) or USUAL, needed, SHORTEST)

    def _listen(self) -> None:
        """To the recording that was given, where subtitles are asked for."""
        if self.film.sound is not None and self.film.subtitles:
            listener = Listener(self._context.acting("subtitle"), self.film.sound, self.film.language)
            self._listened = listener.original()

    def _heard(self) -> tuple[list[Cue], str]:
        """What is said in the recording that was given."""
        transcript = self._listened
        assert transcript is not None, "listened before"
        line = look(SIZES[self.film.shape], transcript.language).line
        return cut(transcript.words, line), transcript.language

    def _joined(self, folder: Path, cutting: Cutting) -> Made:
        from engine.film.joining import join

        self._news.joining()
        sound, loudness = self._sounds(folder, cutting)
        path = folder / "film.mp4"
        join(cutting.segments, sound, path, self._watch, lambda _: self._context.check())
        kept = self._context.keep_file(path)
        return Made(
            video=described(kept, probe(kept.path, kept.mime)),
            pictures=cutting.pictures,
            cues=cutting.cues(),
            starts=[start for piece, start in cutting.placed() if not piece.card],
            notes=self.notes,
            facts={} if loudness is None else {"lufs": loudness},
            makers=sorted({voice.voice for voice in cutting.voices if voice} | self._animators),
            painted=self._painted_any,
            alive=self._alive,
        )

    def _sounds(self, folder: Path, cutting: Cutting) -> tuple[Path | None, float | None]:
        """The film's sound, and its loudness; None where it has none."""
        from engine.film.sound import Said, mix, track

        scenes = [(piece.scene, start) for piece, start in cutting.placed() if not piece.card]
        said = [Said(voice.media, start + LEAD) for at, start in scenes if (voice := cutting.voices[at])]
        if self.film.sound:
            said.append(Said(self.film.sound, scenes[0][1]))
        if not said and not self.film.music:
            return None, None
        speech = folder / "speech.wav" if said else None
        if speech:
            track(said, cutting.seconds, speech, self._watch)
        path = folder / "sound.wav"
        return path, mix(speech, self.film.music, cutting.seconds, path, self._watch)

    def _stage(self, name: str, key: str, make: "Callable[[], Result]", what: str = "") -> Result:
        """What `make` makes, or made before; then the news hears that `what` was found."""
        fresh = False

        def making() -> Result:
            nonlocal fresh
            fresh = True
            return make()

        made = self._context.stage(name, lambda: self._parts.made(key, making))
        if what and not fresh:
            self._news.found(what)
        return made

    def _note(self, *notes: Sentence) -> None:
        with self._lock:
            self.notes += [note for note in notes if note not in self.notes]

    def _check(self) -> None:
        self._context.check()
        if self._stop.is_set():
            raise Cancelled("Cancelled.")


def _needed(voice: Voice | None) -> float:
    """Seconds for what is said."""
    return (LEAD + (voice.media.seconds or 0) + TAIL) if voice else 0.0


def _voice(made: Result) -> Voice:
    facts: Any = made.facts  # as `_narrated` wrote them
    words = tuple(Word(text, start, end) for text, start, end in facts["words"])
    return Voice(made.media[0], words, facts["language"], facts["voice"])
