"""A film being made: while one scene is drawn, another is spoken and a third is filmed."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from engine.core.errors import Sentence
from engine.core.job import Fact, Media, Result
from engine.media.video import described, probe
from engine.tasks.film.context import Work
from engine.tasks.film.film import RATE, SIZES
from engine.tasks.film.narration import Saying
from engine.tasks.film.timeline import LEAD, Cutting, Footage, Made, Piece, Voice, lasting, planned, spoken
from engine.tasks.film.titles import cues_of
from engine.tasks.film.visuals import Seeing
from engine.tasks.subtitle.cues import Cue
from engine.tasks.subtitle.render import furnish

T = TypeVar("T")

LOOK = 0.2
"""Seconds between two looks whether the job was cancelled."""


def storyboard(work: Work) -> list[Media]:
    """The scenes' pictures, given or drawn now. Raises what drawing does."""
    seeing = Seeing(work)
    for number in range(len(work.film.scenes)):
        seeing.picture(number)
        work.news.done("drawn", number + 1)
    return seeing.pictures


def make(work: Work) -> Made:
    """The whole film. Raises what drawing, speaking and filming do, and Cancelled."""
    with work.context.scratch() as folder:
        furnish(folder)
        speaker, filmer = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        try:
            return _Reel(work, folder).made(speaker, filmer)
        finally:
            work.stop.set()
            speaker.shutdown(wait=False, cancel_futures=True)
            filmer.shutdown(wait=True, cancel_futures=True)


class _Reel:
    """Makes the film of `work` in `folder`, in three lanes."""

    def __init__(self, work: Work, folder: Path) -> None:
        self._work = work
        self._film = work.film
        self._folder = folder
        self._seeing = Seeing(work)
        self._saying = Saying(work)

    def made(self, speaker: ThreadPoolExecutor, filmer: ThreadPoolExecutor) -> Made:
        count = len(self._film.scenes)
        self._saying.listen()
        footage: list[Future[Footage]] = [Future() for _ in range(count)]
        voices = [speaker.submit(self._saying.spoken, number) for number in range(count)]
        filmed = filmer.submit(self._filmed, footage, voices)
        try:
            self._draw(footage, voices, filmed)
        finally:
            for each in footage:
                each.cancel()  # nobody waits for what was not drawn
        while not wait([filmed], LOOK).done:
            self._work.context.check()
        pieces, segments = filmed.result()
        return self._joined(Cutting(pieces, segments, self._seeing.pictures, [each.result() for each in voices]))

    def _draw(self, footage: list[Future[Footage]], voices: list[Future[Voice | None]], filmed: "Future[Any]") -> None:
        for number, each in enumerate(footage):
            if filmed.done():
                return  # it failed, and says why
            each.set_result(self._seeing.footage(number, voices[number]))
            self._work.news.done("drawn", number + 1)

    def _filmed(
        self, footage: list[Future[Footage]], voices: list[Future[Voice | None]]
    ) -> tuple[list[Piece], list[Media]]:
        """Each piece as it can be made, in order."""
        from engine.tasks.film.segment_renderer import Camera  # loads OpenCV

        news = self._work.news
        pieces, segments = list[Piece](), list[Media]()
        with closing(Camera(self._work, self._folder)) as camera:
            for plan in planned(self._film):
                voice = self._awaited("speaking", voices, plan.scene)
                shown = self._awaited("drawing", footage, plan.scene)
                piece = plan if plan.card else self._timed(plan, voice)
                lead = LEAD if voice and shown.waits else 0.0
                key, take = camera.take(piece, shown, lead, partial(news.filmed, plan.scene))
                taken = partial(self._taken, plan.scene, take)
                segments.append(self._work.stage(piece.name, key, taken, "" if piece.card else "filmed").media[0])
                pieces.append(piece)
                news.filmed(plan.scene, 0 if piece.kind == "title" else 1)
        return pieces, segments

    def _awaited(self, what: str, lane: list[Future[T]], scene: int) -> T:
        while not wait([lane[scene]], LOOK).done:
            self._work.news.waiting(what, scene)
        return lane[scene].result()

    def _taken(self, scene: int, take: Callable[[], Result]) -> Result:
        self._work.news.doing("filming", scene)
        return take()

    def _timed(self, piece: Piece, voice: Voice | None) -> Piece:
        """With its length and its captions."""
        asked, needed = self._film.scenes[piece.scene].seconds, spoken(voice)
        seconds = lasting(self._film, piece.scene, voice)
        if asked and needed > asked + 1 / RATE:
            self._work.note(
                Sentence(
                    template="Scene {scene} lasts {seconds} s instead of {asked} s, so that its words can be said.",
                    facts={"scene": piece.scene + 1, "seconds": round(seconds, 1), "asked": round(asked, 1)},
                )
            )
        frames = round(seconds * RATE)
        cues, language = self._captions(voice, frames / RATE)
        return replace(piece, frames=frames, cues=tuple(cues), language=language)

    def _captions(self, voice: Voice | None, ends: float) -> tuple[list[Cue], str]:
        if voice is None:
            return self._saying.heard()
        return cues_of(voice.words, SIZES[self._film.shape], voice.language, LEAD, ends), voice.language

    def _joined(self, cutting: Cutting) -> Made:
        from engine.tasks.film.encoding.concat import join

        work, seeing = self._work, self._seeing
        work.news.joining()
        sound, loudness = self._sounds(cutting)
        path = self._folder / "film.mp4"
        join(cutting.segments, sound, path, work.watch, lambda _: work.context.check())
        kept = work.context.keep_file(path)
        return Made(
            video=described(kept, probe(kept.path, kept.mime)),
            pictures=cutting.pictures,
            cues=cutting.cues(),
            starts=[start for piece, start in cutting.placed() if not piece.card],
            notes=work.notes,
            facts=_facts(loudness, seeing),
            makers=sorted({voice.voice for voice in cutting.voices if voice} | seeing.makers),
            painted=seeing.painted,
            alive=seeing.alive,
        )

    def _sounds(self, cutting: Cutting) -> tuple[Path | None, float | None]:
        """The film's sound, and its loudness; None where it has none."""
        from engine.tasks.film.sound.mix import Said, mix, track

        film, watch = self._film, self._work.watch
        scenes = [(piece.scene, start) for piece, start in cutting.placed() if not piece.card]
        said = [Said(voice.media, start + LEAD) for at, start in scenes if (voice := cutting.voices[at])]
        if film.sound:
            said.append(Said(film.sound, scenes[0][1]))
        if not said and not film.music:
            return None, None
        speech = self._folder / "speech.wav" if said else None
        if speech:
            track(said, cutting.seconds, speech, watch)
        path = self._folder / "sound.wav"
        return path, mix(speech, film.music, cutting.seconds, path, watch)


def _facts(loudness: float | None, seeing: Seeing) -> dict[str, Fact]:
    loud: dict[str, Fact] = {} if loudness is None else {"lufs": loudness}
    return loud | ({"depth": ", ".join(sorted(seeing.depths))} if seeing.depths else {})
