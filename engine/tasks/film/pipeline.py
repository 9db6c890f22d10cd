"""Render a film in three threads: one draws pictures, one synthesises speech and one renders segments."""

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
from engine.tasks.film.film import FRAME_RATE, SIZES
from engine.tasks.film.narration import Narration
from engine.tasks.film.timeline import (
    LEAD_SECONDS,
    EditList,
    Footage,
    RenderedFilm,
    Segment,
    Voice,
    plan_segments,
    scene_seconds,
    voice_seconds,
)
from engine.tasks.film.titles import cut_captions
from engine.tasks.film.visuals import Visuals
from engine.tasks.subtitle.cues import Cue
from engine.tasks.subtitle.drawing.render import isolate_fonts

T = TypeVar("T")

POLL_SECONDS = 0.2
"""Time between two checks for cancellation."""


def draw_storyboard(work: FilmContext) -> list[Media]:
    """Return the picture of each scene, given or generated. Raises what image generation raises, and Cancelled."""
    visuals = Visuals(work)
    for number in range(len(work.film.scenes)):
        visuals.picture(number)
        work.progress.finish_scenes("drawn", number + 1)
    return visuals.pictures


def render_film(work: FilmContext) -> RenderedFilm:
    """Render the whole film. Raises what generating, speaking and encoding raise, and Cancelled."""
    with work.context.temp_dir() as folder:
        isolate_fonts(folder)
        speech_pool, render_pool = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        try:
            return FilmPipeline(work, folder).render(speech_pool, render_pool)
        finally:
            work.stop.set()
            speech_pool.shutdown(wait=False, cancel_futures=True)
            render_pool.shutdown(wait=True, cancel_futures=True)


class FilmPipeline:
    """Renders the film of `work` in `folder`."""

    def __init__(self, work: FilmContext, folder: Path) -> None:
        self._work = work
        self._film = work.film
        self._folder = folder
        self._visuals = Visuals(work)
        self._narration = Narration(work)

    def render(self, speech_pool: ThreadPoolExecutor, render_pool: ThreadPoolExecutor) -> RenderedFilm:
        """Return the rendered film. Pictures are drawn in the calling thread, speech and segments in the two pools."""
        count = len(self._film.scenes)
        self._narration.transcribe_recording()
        footage: list[Future[Footage]] = [Future() for _ in range(count)]
        voices = [speech_pool.submit(self._narration.speak, number) for number in range(count)]
        rendering = render_pool.submit(self._render_segments, footage, voices)
        try:
            self._draw(footage, voices, rendering)
        finally:
            for pending in footage:
                pending.cancel()  # the renderer must not wait for pictures that were not drawn
        while not wait([rendering], POLL_SECONDS).done:
            self._work.context.check()
        plan, files = rendering.result()
        return self._join(EditList(plan, files, self._visuals.pictures, [voice.result() for voice in voices]))

    def _draw(
        self, footage: list[Future[Footage]], voices: list[Future[Voice | None]], rendering: "Future[Any]"
    ) -> None:
        for number, pending in enumerate(footage):
            if rendering.done():
                return  # it failed; render() raises its error
            pending.set_result(self._visuals.footage(number, voices[number]))
            self._work.progress.finish_scenes("drawn", number + 1)

    def _render_segments(
        self, footage: list[Future[Footage]], voices: list[Future[Voice | None]]
    ) -> tuple[list[Segment], list[Media]]:
        """Return the segments of the film in order, and their files. Each is rendered as soon as its inputs
        are there.
        """
        from engine.tasks.film.segment_renderer import SegmentRenderer  # loads OpenCV

        progress = self._work.progress
        plan, files = list[Segment](), list[Media]()
        with closing(SegmentRenderer(self._work, self._folder)) as renderer:
            for planned in plan_segments(self._film):
                scene = planned.scene
                voice = self._wait_for("speaking", voices, scene)
                shown = self._wait_for("drawing", footage, scene)
                segment = planned if planned.card else self._set_timing(planned, voice)
                lead = LEAD_SECONDS if voice and shown.waits_for_speech else 0.0
                key, render = renderer.render(segment, shown, lead, partial(progress.report_filming, scene))
                stage = partial(self._render_segment, scene, render)
                files.append(self._work.stage(segment.name, key, stage, "" if segment.card else "filmed").media[0])
                plan.append(segment)
                progress.report_filming(scene, 0 if segment.kind == "title" else 1)
        return plan, files

    def _wait_for(self, stage: str, results: list[Future[T]], scene: int) -> T:
        while not wait([results[scene]], POLL_SECONDS).done:
            self._work.progress.wait_for_stage(stage, scene)
        return results[scene].result()

    def _render_segment(self, scene: int, render: Callable[[], Result]) -> Result:
        self._work.progress.start_stage("filming", scene)
        return render()

    def _set_timing(self, segment: Segment, voice: Voice | None) -> Segment:
        """Return the segment with its length and its captions."""
        asked, needed = self._film.scenes[segment.scene].seconds, voice_seconds(voice)
        seconds = scene_seconds(self._film, segment.scene, voice)
        if asked and needed > asked + 1 / FRAME_RATE:
            self._work.note(
                UserMessage(
                    template="Scene {scene} lasts {seconds:g} s instead of {asked:g} s to fit its narration.",
                    facts={"scene": segment.scene + 1, "seconds": round(seconds, 1), "asked": round(asked, 1)},
                )
            )
        frames = round(seconds * FRAME_RATE)
        cues, language = self._captions(voice, frames / FRAME_RATE)
        return replace(segment, frames=frames, cues=tuple(cues), language=language)

    def _captions(self, voice: Voice | None, ends: float) -> tuple[list[Cue], str]:
        if voice is None:
            return self._narration.recording_cues()
        return cut_captions(voice.words, SIZES[self._film.shape], voice.language, LEAD_SECONDS, ends), voice.language

    def _join(self, edit_list: EditList) -> RenderedFilm:
        from engine.tasks.film.encoding.concat import concatenate

        work, visuals = self._work, self._visuals
        work.progress.start_joining()
        sound, loudness = self._mix_sound(edit_list)
        path = self._folder / "film.mp4"
        concatenate(edit_list.segments, sound, path, work.watch, lambda _: work.context.check())
        saved = work.context.save_file(path)
        return RenderedFilm(
            video=with_dimensions(saved, probe(saved.path, saved.mime)),
            pictures=edit_list.pictures,
            cues=edit_list.cues(),
            starts=[start for segment, start in edit_list.with_start_times() if not segment.card],
            notes=work.notes,
            facts=_facts(loudness, visuals),
            models=sorted({voice.voice for voice in edit_list.voices if voice} | visuals.models),
            used_image_generator=visuals.used_image_generator,
            video_model=visuals.video_model,
        )

    def _mix_sound(self, edit_list: EditList) -> tuple[Path | None, float | None]:
        """Return the path of the film's sound and its loudness in LUFS, or None for both if the film is silent."""
        from engine.tasks.film.sound.mix import PlacedSpeech, mix_sound, write_speech_track

        film, watch = self._film, self._work.watch
        scenes = [(segment.scene, start) for segment, start in edit_list.with_start_times() if not segment.card]
        recordings = [
            PlacedSpeech(voice.media, start + LEAD_SECONDS) for at, start in scenes if (voice := edit_list.voices[at])
        ]
        if film.sound:
            recordings.append(PlacedSpeech(film.sound, scenes[0][1]))
        if not recordings and not film.music:
            return None, None
        speech = self._folder / "speech.wav" if recordings else None
        if speech:
            write_speech_track(recordings, edit_list.seconds, speech, watch)
        path = self._folder / "sound.wav"
        return path, mix_sound(speech, film.music, edit_list.seconds, path, watch)


def _facts(loudness: float | None, visuals: Visuals) -> dict[str, Fact]:
    facts: dict[str, Fact] = {} if loudness is None else {"lufs": loudness}
    return facts | ({"depth": ", ".join(sorted(visuals.depths))} if visuals.depths else {})
