"""A film being made: while one scene is drawn, another is spoken and a third is filmed."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from engine.core.errors import UserMessage
from engine.core.job import Fact, Media, Result
from engine.media.video import probe, with_dimensions
from engine.tasks.film.context import FilmContext
from engine.tasks.film.film import RATE, SIZES
from engine.tasks.film.narration import Narration
from engine.tasks.film.timeline import (
    LEAD,
    EditList,
    Footage,
    RenderedFilm,
    Segment,
    Voice,
    plan_segments,
    scene_seconds,
    voice_seconds,
)
from engine.tasks.film.titles import cues_of
from engine.tasks.film.visuals import Visuals
from engine.tasks.subtitle.cues import Cue
from engine.tasks.subtitle.drawing.render import isolate_fonts

T = TypeVar("T")

LOOK = 0.2
"""Seconds between two looks whether the job was cancelled."""


def storyboard(work: FilmContext) -> list[Media]:
    """The scenes' pictures, given or drawn now. Raises what drawing does."""
    seeing = Visuals(work)
    for number in range(len(work.film.scenes)):
        seeing.picture(number)
        work.news.finish_scenes("drawn", number + 1)
    return seeing.pictures


def render_film(work: FilmContext) -> RenderedFilm:
    """The whole film. Raises what drawing, speaking and filming do, and Cancelled."""
    with work.context.temp_dir() as folder:
        isolate_fonts(folder)
        speaker, filmer = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        try:
            return FilmPipeline(work, folder).render(speaker, filmer)
        finally:
            work.stop.set()
            speaker.shutdown(wait=False, cancel_futures=True)
            filmer.shutdown(wait=True, cancel_futures=True)


class FilmPipeline:
    """Makes the film of `work` in `folder`, in three lanes."""

    def __init__(self, work: FilmContext, folder: Path) -> None:
        self._work = work
        self._film = work.film
        self._folder = folder
        self._seeing = Visuals(work)
        self._saying = Narration(work)

    def render(self, speaker: ThreadPoolExecutor, filmer: ThreadPoolExecutor) -> RenderedFilm:
        count = len(self._film.scenes)
        self._saying.listen()
        footage: list[Future[Footage]] = [Future() for _ in range(count)]
        voices = [speaker.submit(self._saying.spoken, number) for number in range(count)]
        filmed = filmer.submit(self._render_segments, footage, voices)
        try:
            self._draw(footage, voices, filmed)
        finally:
            for each in footage:
                each.cancel()  # nobody waits for what was not drawn
        while not wait([filmed], LOOK).done:
            self._work.context.check()
        pieces, segments = filmed.result()
        return self._join(EditList(pieces, segments, self._seeing.pictures, [each.result() for each in voices]))

    def _draw(self, footage: list[Future[Footage]], voices: list[Future[Voice | None]], filmed: "Future[Any]") -> None:
        for number, each in enumerate(footage):
            if filmed.done():
                return  # it failed, and says why
            each.set_result(self._seeing.footage(number, voices[number]))
            self._work.news.finish_scenes("drawn", number + 1)

    def _render_segments(
        self, footage: list[Future[Footage]], voices: list[Future[Voice | None]]
    ) -> tuple[list[Segment], list[Media]]:
        """Each piece as it can be made, in order."""
        from engine.tasks.film.segment_renderer import SegmentRenderer  # loads OpenCV

        news = self._work.news
        pieces, segments = list[Segment](), list[Media]()
        with closing(SegmentRenderer(self._work, self._folder)) as camera:
            for plan in plan_segments(self._film):
                voice = self._wait_for("speaking", voices, plan.scene)
                shown = self._wait_for("drawing", footage, plan.scene)
                segment = plan if plan.card else self._set_timing(plan, voice)
                lead = LEAD if voice and shown.waits else 0.0
                key, take = camera.render(segment, shown, lead, partial(news.set_filming, plan.scene))
                taken = partial(self._render_take, plan.scene, take)
                segments.append(self._work.stage(segment.name, key, taken, "" if segment.card else "filmed").media[0])
                pieces.append(segment)
                news.set_filming(plan.scene, 0 if segment.kind == "title" else 1)
        return pieces, segments

    def _wait_for(self, what: str, lane: list[Future[T]], scene: int) -> T:
        while not wait([lane[scene]], LOOK).done:
            self._work.news.waiting(what, scene)
        return lane[scene].result()

    def _render_take(self, scene: int, take: Callable[[], Result]) -> Result:
        self._work.news.doing("filming", scene)
        return take()

    def _set_timing(self, segment: Segment, voice: Voice | None) -> Segment:
        """With its length and its captions."""
        asked, needed = self._film.scenes[segment.scene].seconds, voice_seconds(voice)
        seconds = scene_seconds(self._film, segment.scene, voice)
        if asked and needed > asked + 1 / RATE:
            self._work.note(
                UserMessage(
                    template="Scene {scene} lasts {seconds} s instead of {asked} s, so that its words can be said.",
                    facts={"scene": segment.scene + 1, "seconds": round(seconds, 1), "asked": round(asked, 1)},
                )
            )
        frames = round(seconds * RATE)
        cues, language = self._captions(voice, frames / RATE)
        return replace(segment, frames=frames, cues=tuple(cues), language=language)

    def _captions(self, voice: Voice | None, ends: float) -> tuple[list[Cue], str]:
        if voice is None:
            return self._saying.heard()
        return cues_of(voice.words, SIZES[self._film.shape], voice.language, LEAD, ends), voice.language

    def _join(self, edit_list: EditList) -> RenderedFilm:
        from engine.tasks.film.encoding.concat import concatenate

        work, seeing = self._work, self._seeing
        work.news.joining()
        sound, loudness = self._sounds(edit_list)
        path = self._folder / "film.mp4"
        concatenate(edit_list.segments, sound, path, work.watch, lambda _: work.context.check())
        kept = work.context.save_file(path)
        return RenderedFilm(
            video=with_dimensions(kept, probe(kept.path, kept.mime)),
            pictures=edit_list.pictures,
            cues=edit_list.cues(),
            starts=[start for segment, start in edit_list.with_start_times() if not segment.card],
            notes=work.notes,
            facts=_facts(loudness, seeing),
            makers=sorted({voice.voice for voice in edit_list.voices if voice} | seeing.makers),
            painted=seeing.painted,
            alive=seeing.alive,
        )

    def _sounds(self, edit_list: EditList) -> tuple[Path | None, float | None]:
        """The film's sound, and its loudness; None where it has none."""
        from engine.tasks.film.sound.mix import PlacedSpeech, mix, track

        film, watch = self._film, self._work.watch
        scenes = [(segment.scene, start) for segment, start in edit_list.with_start_times() if not segment.card]
        said = [PlacedSpeech(voice.media, start + LEAD) for at, start in scenes if (voice := edit_list.voices[at])]
        if film.sound:
            said.append(PlacedSpeech(film.sound, scenes[0][1]))
        if not said and not film.music:
            return None, None
        speech = self._folder / "speech.wav" if said else None
        if speech:
            track(said, edit_list.seconds, speech, watch)
        path = self._folder / "sound.wav"
        return path, mix(speech, film.music, edit_list.seconds, path, watch)


def _facts(loudness: float | None, seeing: Visuals) -> dict[str, Fact]:
    loud: dict[str, Fact] = {} if loudness is None else {"lufs": loudness}
    return loud | ({"depth": ", ".join(sorted(seeing.depths))} if seeing.depths else {})
