"""Render the segments of a film: generate the frames of each and encode them to a file of its own."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import structlog

from engine.core.artifact_cache import key_of
from engine.core.errors import UserMessage
from engine.core.job import Media, Result
from engine.media.rgb import load_rgb
from engine.media.video import CancelOrTimeout, FFmpegFailed, probe, read_frames
from engine.tasks.film import titles
from engine.tasks.film.camera.canvas import Frame, Picture
from engine.tasks.film.camera.shots import ClipShot, PictureShot, Shot
from engine.tasks.film.camera.transitions import TRANSITION_FRAMES, blend_frames
from engine.tasks.film.context import FilmContext
from engine.tasks.film.encoding.encoder import X264, X264_FALLBACK, detect_encoder, encode_segment
from engine.tasks.film.film import FRAME_RATE, SIZES, VERSION
from engine.tasks.film.timeline import Footage, Segment
from engine.tasks.subtitle.drawing.render import draw_ass
from engine.tasks.subtitle.drawing.typefaces import load_typefaces

log = structlog.get_logger()

OnPart = Callable[[float], None]
"""Called with the fraction of the segment that is done, from 0 to 1."""


class SegmentRenderer:
    """Renders segments in film order, in a `folder` prepared by `isolate_fonts`.

    It keeps only the inputs of the current and the previous segment open, until `close`.
    """

    def __init__(self, work: FilmContext, folder: Path) -> None:
        self._work = work
        self._film = work.film
        self._folder = folder
        self._size = SIZES[work.film.shape]
        self._typefaces = load_typefaces(work.context.weights)
        self._inputs: list[_SegmentInput] = []

    def close(self) -> None:
        """Close all inputs."""
        for segment_input in self._inputs:
            segment_input.close()

    def render(
        self, segment: Segment, shown: Footage, lead: float, on_part: OnPart
    ) -> tuple[str, Callable[[], Result]]:
        """Return the cache key of a segment and a function that renders it.

        `on_part` is called with the fraction done. If `shown` is a clip, its first frame stands still for `lead`
        seconds.
        """
        for segment_input in self._inputs[:-1]:
            segment_input.close()
        previous = self._inputs[-1] if self._inputs else None
        current = _SegmentInput(
            segment,
            shown,
            lead,
            self._work,
            previous.frame_after_transition if previous and segment.kind == "credits" else 0,
        )
        self._inputs = [*self._inputs[-1:], current]
        mixed_with = previous.identity if previous and segment.transition != "cut" else None
        key = key_of(
            "segment",
            VERSION,
            self._size,
            detect_encoder(),
            current.identity,
            segment.transition,
            mixed_with,
            self._ass(segment),
        )
        return key, lambda: self._render_take(current, previous, on_part)

    def _render_take(self, current: "_SegmentInput", previous: "_SegmentInput | None", on_part: OnPart) -> Result:
        segment, path = current.segment, self._folder / "segment.mp4"
        notes = tuple[UserMessage, ...]()
        try:
            self._encode(current, previous, on_part, detect_encoder(), path)
        except FFmpegFailed as error:
            if detect_encoder() == X264:
                raise
            log.warning("the encoder failed", segment=segment.name, error=str(error)[-500:])
            self._retry_with_x264(current, previous, on_part, path)
            notes = (
                UserMessage(template="The GPU's video encoder failed, so parts of this video were encoded on the CPU."),
            )
        saved = self._work.context.save_file(path)
        seconds = segment.frames / FRAME_RATE
        return Result(media=(saved.model_copy(update={"seconds": round(seconds, 3)}),), notes=notes)

    def _retry_with_x264(
        self, current: "_SegmentInput", previous: "_SegmentInput | None", on_part: OnPart, path: Path
    ) -> None:
        """Render again from the first frame with x264. Consumer GPUs allow few NVENC sessions at once."""
        for segment_input in (current, previous):
            if segment_input is not None:
                segment_input.close()
        self._encode(current, previous, on_part, X264_FALLBACK, path)

    def _encode(
        self,
        current: "_SegmentInput",
        previous: "_SegmentInput | None",
        on_part: OnPart,
        encoder: dict[str, Any],
        path: Path,
    ) -> None:
        segment = current.segment
        older = previous.shot() if previous and segment.transition != "cut" else None
        frames = self._report_progress(blend_frames(current.shot(), older, segment.transition), segment.frames, on_part)
        draw = partial(self._draw_text, self._ass(segment), path.with_suffix(".ass"))
        encode_segment(frames, self._size, path, self._work.watch, options=encoder, draw=draw)

    def _draw_text(self, ass: str | None, path: Path, video: Any) -> Any:
        return video if ass is None else draw_ass(video, ass, path, self._typefaces, self._work.watch)

    def _report_progress(self, frames: Iterator[Frame], count: int, on_part: OnPart) -> Iterator[Frame]:
        for number, frame in enumerate(frames):
            self._work.check()
            on_part(number / count)
            yield frame

    def _ass(self, segment: Segment) -> str | None:
        if segment.card:
            height = titles.TITLE_PERCENT if segment.kind == "title" else titles.CREDITS_PERCENT
            return titles.format_card(segment.card, segment.frames / FRAME_RATE, self._size, height, self._typefaces)
        shown = segment.cues if self._film.subtitles else ()
        return titles.format_captions(shown, self._size, segment.language, self._typefaces) if shown else None


class _SegmentInput:
    """A segment with its picture or clip. The shot is created when it is first used.

    A card over a clip shows frame `at`, or the last frame if the clip is shorter.
    """

    def __init__(self, segment: Segment, shown: Footage, lead: float, work: FilmContext, at: int) -> None:
        film = work.film
        self.segment = segment
        self._source = shown.media
        self._depth = shown.depth
        self._lead = round(lead * FRAME_RATE)
        self._work = work
        self._size = SIZES[film.shape]
        self._at = at if self._is_clip else 0
        self._motion = "still" if self._is_clip and segment.card else film.motion_of(segment.scene)
        self._seed = film.seed_of(segment.scene)
        self._shot: Shot | None = None

    @property
    def identity(self) -> list[Any]:
        """Everything that decides what the segment looks like, for the cache key."""
        depth = self._depth.sha256 if self._depth else None
        clip_frame = [self._at] if self._at else []
        motion = [self._lead, self._motion, self._seed, self.segment.frames, self.segment.kind, *clip_frame]
        return [self._source.sha256, depth, *motion]

    @property
    def frame_after_transition(self) -> int:
        """The frame of its clip that is visible once the transition to the next segment has ended."""
        return max(0, self.segment.frames - self._lead + TRANSITION_FRAMES["crossfade"] - 1)

    def close(self) -> None:
        """Close the shot. The next call of `shot` starts it from the beginning."""
        if self._shot is not None:
            self._shot.close()
        self._shot = None

    def shot(self) -> Shot:
        """Return the shot, and create it on the first call."""
        if self._shot is None:
            self._shot = self._clip() if self._moves else self._picture()
        return self._shot

    @property
    def _moves(self) -> bool:
        return self._is_clip and not self.segment.card

    @property
    def _is_clip(self) -> bool:
        return self._source.mime.startswith("video/")

    def _picture(self) -> Shot:
        return PictureShot(
            _still(self._source, self._at, self._work.watch),
            self._size,
            self.segment.frames,
            motion=self._motion,
            seed=self._seed,
            weights=self._work.context.weights,
            depth=load_rgb(self._depth.path)[..., 0] if self._depth else None,
            card=self.segment.kind,
        )

    def _clip(self) -> Shot:
        clip_info = probe(self._source.path, self._source.mime)
        assert clip_info.video is not None, "rendered clips have pictures"
        clip = ClipShot(self._source, clip_info.video, self._size, self.segment.frames, self._work.watch)
        return clip.focus_on_face(self._work.context.weights, self._lead)


def _still(source: Media, at: int, watch: CancelOrTimeout) -> Picture:
    """Return the picture, or frame `at` of a clip, or its last frame if it is shorter."""
    if not source.mime.startswith("video/"):
        return load_rgb(source.path)
    clip_info = probe(source.path, source.mime)
    assert clip_info.video is not None, "rendered clips have pictures"
    steady = replace(clip_info.video, rate=FRAME_RATE)
    with closing(read_frames(source.path, source.mime, steady, watch)) as shown:
        return deque(islice(shown, at + 1), maxlen=1)[0]
