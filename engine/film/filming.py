"""Takes pieces of a film: the frames of each, in their way of moving, to an encoded file of its own."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from engine.errors import Cancelled
from engine.film import titles
from engine.film.canvas import Frame, Picture
from engine.film.film import RATE, SIZES, VERSION, Film
from engine.film.pieces import Piece
from engine.film.segments import encode, encoder
from engine.film.shots import ClipShot, PictureShot, Shot
from engine.film.transitions import played
from engine.job import Media, Result
from engine.parts import key_of
from engine.pictures import pixels
from engine.task import Context
from engine.video import Watch, frames, probe

LIMIT = 3600.0
"""Seconds that one run of FFmpeg may take."""

OnPart = Callable[[float], None]


class Camera:
    """Takes the pieces in the order of the film, in the furnished `folder`.

    Of the pictures it holds this piece's and the one before's alone.
    """

    def __init__(self, film: Film, context: Context, folder: Path, stop: threading.Event) -> None:
        self._film = film
        self._context = context
        self._folder = folder
        self._stop = stop
        self._size = SIZES[film.shape]
        self._before: _Take | None = None

    def take(self, piece: Piece, source: Media, lead: float, on_part: OnPart) -> tuple[str, Callable[[], Result]]:
        """The key of the piece's file, and what makes it. `on_part` hears which part of it is done.

        A `source` that moves by itself stands for `lead` seconds first.
        """
        before, now = self._before, _Take(piece, source, lead, self._film, self._context)
        self._before = now
        mixed = before.identity if before and piece.transition != "cut" else None
        key = key_of("segment", VERSION, self._size, encoder(), now.identity, piece.transition, mixed, self._ass(piece))
        return key, lambda: self._taken(now, before, on_part)

    def _taken(self, now: "_Take", before: "_Take | None", on_part: OnPart) -> Result:
        piece, path = now.piece, self._folder / "segment.mp4"
        older = before.shot() if before and piece.transition != "cut" else None
        frames = self._minded(played(now.shot(), older, piece.transition), piece.frames, on_part)
        encode(frames, self._size, path, Watch(self._context.cancelled, LIMIT), self._ass(piece))
        kept = self._context.keep_file(path)
        seconds = piece.frames / RATE
        return Result(media=(kept.model_copy(update={"seconds": round(seconds, 3)}),))

    def _minded(self, frames: Iterator[Frame], count: int, on_part: OnPart) -> Iterator[Frame]:
        for number, frame in enumerate(frames):
            if self._stop.is_set():
                raise Cancelled("Cancelled.")
            on_part(number / count)
            yield frame

    def _ass(self, piece: Piece) -> str | None:
        if piece.card:
            height = titles.TITLE if piece.kind == "title" else titles.CREDITS
            return titles.card(piece.card, piece.frames / RATE, self._size, height)
        shown = piece.cues if self._film.subtitles else ()
        return titles.captions(shown, self._size, piece.language) if shown else None


class _Take:
    """One piece and its picture or clip; the shot is made when it is asked for."""

    def __init__(self, piece: Piece, source: Media, lead: float, film: Film, context: Context) -> None:
        self.piece = piece
        self._source = source
        self._lead = round(lead * RATE)
        self._context = context
        self._size = SIZES[film.shape]
        self._motion = film.motion_of(piece.scene)
        self._seed = film.seed_of(piece.scene)
        self._made: Shot | None = None

    @property
    def identity(self) -> list[Any]:
        return [self._source.sha256, self._lead, self._motion, self._seed, self.piece.frames, self.piece.kind]

    def shot(self) -> Shot:
        if self._made is None:
            self._made = self._clip() if self._moves else self._picture()
        return self._made

    @property
    def _moves(self) -> bool:
        return self._source.mime.startswith("video/") and not self.piece.card

    def _picture(self) -> Shot:
        picture = _still(self._source, self._context)
        return PictureShot(
            picture,
            self._size,
            self.piece.frames,
            motion=self._motion,
            seed=self._seed,
            weights=self._context.weights,
            card=self.piece.kind,
        )

    def _clip(self) -> Shot:
        found = probe(self._source.path, self._source.mime)
        assert found.video is not None, "a clip of ours has pictures"
        watch = Watch(self._context.cancelled, LIMIT)
        clip = ClipShot(self._source, found.video, self._size, self.piece.frames, watch)
        return clip.looking(self._context.weights, self._lead)


def _still(source: Media, context: Context) -> Picture:
    """The picture, or the first frame of a clip."""
    if not source.mime.startswith("video/"):
        return pixels(source.path)
    found = probe(source.path, source.mime)
    assert found.video is not None, "a clip of ours has pictures"
    return next(frames(source.path, source.mime, found.video, Watch(context.cancelled, LIMIT)))
