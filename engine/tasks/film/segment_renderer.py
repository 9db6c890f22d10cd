"""Takes pieces of a film: the frames of each, in their way of moving, to an encoded file of its own."""

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
from engine.tasks.film.camera.transitions import FRAMES, blend_frames
from engine.tasks.film.context import FilmContext
from engine.tasks.film.encoding.encoder import BESIDE_NVENC, X264, encode_segment, encoder
from engine.tasks.film.film import RATE, SIZES, VERSION
from engine.tasks.film.timeline import Footage, Segment
from engine.tasks.subtitle.drawing.render import draw_ass
from engine.tasks.subtitle.drawing.typefaces import load_typefaces

log = structlog.get_logger()

OnPart = Callable[[float], None]


class SegmentRenderer:
    """Takes the pieces in the order of the film, in the furnished `folder`.

    Of the pictures it holds this piece's and the one before's alone, until it is closed.
    """

    def __init__(self, work: FilmContext, folder: Path) -> None:
        self._work = work
        self._film = work.film
        self._folder = folder
        self._size = SIZES[work.film.shape]
        self._typefaces = load_typefaces(work.context.weights)
        self._held: list[_SegmentInput] = []

    def close(self) -> None:
        for each in self._held:
            each.close()

    def render(
        self, segment: Segment, shown: Footage, lead: float, on_part: OnPart
    ) -> tuple[str, Callable[[], Result]]:
        """The key of the piece's file, and what makes it. `on_part` hears which part of it is done.

        What is `shown`, if it moves by itself, stands for `lead` seconds first.
        """
        for each in self._held[:-1]:
            each.close()
        before = self._held[-1] if self._held else None
        now = _SegmentInput(
            segment, shown, lead, self._work, before.beyond if before and segment.kind == "credits" else 0
        )
        self._held = [*self._held[-1:], now]
        mixed = before.identity if before and segment.transition != "cut" else None
        key = key_of(
            "segment", VERSION, self._size, encoder(), now.identity, segment.transition, mixed, self._ass(segment)
        )
        return key, lambda: self._render_take(now, before, on_part)

    def _render_take(self, now: "_SegmentInput", before: "_SegmentInput | None", on_part: OnPart) -> Result:
        segment, path = now.piece, self._folder / "segment.mp4"
        notes = tuple[UserMessage, ...]()
        try:
            self._encode(now, before, on_part, encoder(), path)
        except FFmpegFailed as error:
            if encoder() == X264:
                raise
            log.warning("the encoder failed", piece=segment.name, said=str(error)[-500:])
            self._again(now, before, on_part, path)
            notes = (
                UserMessage(template="Parts of it are encoded by x264 on the CPU, since the GPU's encoder failed."),
            )
        kept = self._work.context.save_file(path)
        seconds = segment.frames / RATE
        return Result(media=(kept.model_copy(update={"seconds": round(seconds, 3)}),), notes=notes)

    def _again(self, now: "_SegmentInput", before: "_SegmentInput | None", on_part: OnPart, path: Path) -> None:
        """From its first frame on, by x264: consumer cards open few sessions at once."""
        for each in (now, before):
            if each is not None:
                each.close()
        self._encode(now, before, on_part, BESIDE_NVENC, path)

    def _encode(
        self, now: "_SegmentInput", before: "_SegmentInput | None", on_part: OnPart, how: dict[str, Any], path: Path
    ) -> None:
        segment = now.piece
        older = before.shot() if before and segment.transition != "cut" else None
        frames = self._report_progress(blend_frames(now.shot(), older, segment.transition), segment.frames, on_part)
        drawing = partial(self._drawn, self._ass(segment), path.with_suffix(".ass"))
        encode_segment(frames, self._size, path, self._work.watch, how=how, drawing=drawing)

    def _drawn(self, ass: str | None, path: Path, video: Any) -> Any:
        return video if ass is None else draw_ass(video, ass, path, self._typefaces, self._work.watch)

    def _report_progress(self, frames: Iterator[Frame], count: int, on_part: OnPart) -> Iterator[Frame]:
        for number, frame in enumerate(frames):
            self._work.check()
            on_part(number / count)
            yield frame

    def _ass(self, segment: Segment) -> str | None:
        if segment.card:
            height = titles.TITLE if segment.kind == "title" else titles.CREDITS
            return titles.card(segment.card, segment.frames / RATE, self._size, height, self._typefaces)
        shown = segment.cues if self._film.subtitles else ()
        return titles.captions(shown, self._size, segment.language, self._typefaces) if shown else None


class _SegmentInput:
    """One piece and its picture or clip; the shot is made when it is asked for.

    A card is of the frame that a clip shows at `at`, or of its last.
    """

    def __init__(self, segment: Segment, shown: Footage, lead: float, work: FilmContext, at: int) -> None:
        film = work.film
        self.piece = segment
        self._source = shown.media
        self._depth = shown.depth
        self._lead = round(lead * RATE)
        self._work = work
        self._size = SIZES[film.shape]
        self._at = at if self._is_clip else 0
        self._motion = "still" if self._is_clip and segment.card else film.motion_of(segment.scene)
        self._seed = film.seed_of(segment.scene)
        self._made: Shot | None = None

    @property
    def identity(self) -> list[Any]:
        depth = self._depth.sha256 if self._depth else None
        of_clip = [self._at] if self._at else []
        how = [self._lead, self._motion, self._seed, self.piece.frames, self.piece.kind, *of_clip]
        return [self._source.sha256, depth, *how]

    @property
    def beyond(self) -> int:
        """The frame of its clip that is seen once the next piece has come in."""
        return max(0, self.piece.frames - self._lead + FRAMES["crossfade"] - 1)

    def close(self) -> None:
        """What was shown of it is shown from the start when it is asked for again."""
        if self._made is not None:
            self._made.close()
        self._made = None

    def shot(self) -> Shot:
        if self._made is None:
            self._made = self._clip() if self._moves else self._picture()
        return self._made

    @property
    def _moves(self) -> bool:
        return self._is_clip and not self.piece.card

    @property
    def _is_clip(self) -> bool:
        return self._source.mime.startswith("video/")

    def _picture(self) -> Shot:
        return PictureShot(
            _still(self._source, self._at, self._work.watch),
            self._size,
            self.piece.frames,
            motion=self._motion,
            seed=self._seed,
            weights=self._work.context.weights,
            depth=load_rgb(self._depth.path)[..., 0] if self._depth else None,
            card=self.piece.kind,
        )

    def _clip(self) -> Shot:
        found = probe(self._source.path, self._source.mime)
        assert found.video is not None, "a clip of ours has pictures"
        clip = ClipShot(self._source, found.video, self._size, self.piece.frames, self._work.watch)
        return clip.looking(self._work.context.weights, self._lead)


def _still(source: Media, at: int, watch: CancelOrTimeout) -> Picture:
    """The picture, or the frame at `at` of a clip, which stands on its last."""
    if not source.mime.startswith("video/"):
        return load_rgb(source.path)
    found = probe(source.path, source.mime)
    assert found.video is not None, "a clip of ours has pictures"
    steady = replace(found.video, rate=RATE)
    with closing(read_frames(source.path, source.mime, steady, watch)) as shown:
        return deque(islice(shown, at + 1), maxlen=1)[0]
