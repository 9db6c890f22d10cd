"""Runs one job: reads the source's faces, chooses the target's, and swaps them in a picture, GIF or video."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import BadInput, TooLarge, UserMessage
from engine.core.job import Fact, Media, Result
from engine.core.progress import OnStep
from engine.media import animations, images, png, video
from engine.media.decoding import MAX_ANIMATION_PIXELS
from engine.media.images import DecodedImage
from engine.tasks.faceswap import overlays
from engine.tasks.faceswap.checks import checked_source, checked_target, no_face, note_doubts
from engine.tasks.faceswap.contract import Swapper
from engine.tasks.faceswap.face_selection import FaceSelection
from engine.tasks.faceswap.frame_swap import FrameSwap
from engine.tasks.faceswap.tracking import Tracker
from engine.worker.context import Context

if TYPE_CHECKING:
    from engine.tasks.faceswap.params import Params

Picture = NDArray[np.uint8]

VIDEO_LIMITS = video.ProbeLimits(seconds=60, frames=1800)
"""Limits of a video."""
MAX_FRAME_PIXELS = 3840 * 2160
"""Most pixels in a frame of a video."""
GIF_FRAMES_PER_SECOND = 10.0
"""Frames a second assumed for a GIF, whose frames each have their own duration."""


class FaceSwapJob:
    """One face swap job."""

    def __init__(self, params: "Params", context: Context, swapper: Swapper) -> None:
        self._params = params
        self._context = context
        self._swapper = swapper
        self._choice = FaceSelection.of(params.face)
        self._notes: list[UserMessage] = []
        self._more: list[Media] = []
        self._count = 0

    def run(self) -> Result:
        """Return the result with its notes. Raises BadInput and TooLarge."""
        self._read_source()
        target = self._params.target
        if target.mime.startswith("video/"):
            made = self._clip(target)
        elif animations.count_file_frames(target.path, "target") > 1:
            made = self._animation(target)
        else:
            made = self._still(target)
        facts: dict[str, Fact] = {"faces": self._count}
        return Result(media=(made, *self._more), notes=tuple(self._notes), facts=facts)

    def _read_source(self) -> None:
        self._context.progress("looking for faces", 0)
        picture = images.read_image(self._params.source.path, "source").colours
        self._source = picture
        self._sources = self._swapper.faces(picture)
        if not self._sources:
            raise no_face("source")
        self._identities: dict[int, Any] = {}

    def _identity(self, place: int) -> Any:
        """Return the source's face at `place`, prepared once. Raises BadInput if it cannot be used."""
        if place not in self._identities:
            face = self._sources[place]
            self._notes += checked_source(face, self._source, place + 1, self._swapper.most_yaw[0])
            self._identities[place] = self._swapper.identity(self._source, face)
        return self._identities[place]

    def _still(self, target: Media) -> Media:
        before = images.read_image(target.path, "target")
        faces = self._swapper.faces(before.colours)
        if not faces:
            raise no_face("target")
        settled = self._choice.resolve(faces, self._sources)
        self._explain(before.colours, faces, settled)
        swapping = FrameSwap(self._swapper, before.colours, self._params.blend)
        for done, (place, source) in enumerate(settled.items()):
            self._context.progress("swapping", 0.2 + 0.7 * done / len(settled))
            self._notes += checked_target(faces[place], place + 1, self._swapper.most_yaw[1])
            swapping.begin(self._identity(source), faces[place])
        self._count = len(settled)
        return self._store(self._finish(DecodedImage(swapping.finish(), before.alpha, before.profile)))

    def _store(self, made: DecodedImage) -> Media:
        body, told = images.encode_for_chat(made)
        self._notes += told
        return self._context.save_file(body)

    def _finish(self, made: DecodedImage) -> DecodedImage:
        self._mark(made.colours)
        return made

    def _mark(self, made: Picture) -> Picture:
        if self._params.marker:
            overlays.mark(made)
        return made

    def _animation(self, target: Media) -> Media:
        count = animations.count_file_frames(target.path, "target")
        height, width = target.height or 0, target.width or 0
        if count * height * width > MAX_ANIMATION_PIXELS:
            raise TooLarge(
                "target has {count:,} frame of {width} x {height}; the limit at that size is {bound:,}."
                " Attach a shorter or smaller one.",
                plural="target has {count:,} frames of {width} x {height}; the limit at that size is {bound:,}."
                " Attach a shorter or smaller one.",
                count=count,
                width=width,
                height=height,
                bound=MAX_ANIMATION_PIXELS // max(1, height * width),
            )
        tracker = Tracker(self._swapper, self._choice, self._sources, GIF_FRAMES_PER_SECOND)

        def change(still: DecodedImage, on_step: OnStep) -> DecodedImage:
            on_step(0)
            made = self._swap_frame(tracker, still.colours).finish()
            return self._finish(DecodedImage(made, still.alpha, still.profile))

        made = animations.transform_frames(target.path, change, self._telling, "target")
        self._settle(tracker)
        return self._context.save_file(made)

    def _telling(self, done: float) -> None:
        self._context.progress("swapping", 0.05 + 0.9 * done)

    def _clip(self, target: Media) -> Media:
        watch = video.CancelOrTimeout(cancelled=self._context.cancelled)
        found = video.probe(target.path, target.mime, VIDEO_LIMITS, watch)
        stream = _stream(found)
        tracker = Tracker(self._swapper, self._choice, self._sources, stream.rate)
        with self._context.temp_dir() as folder:
            path = folder / "swapped.mp4"
            sound = (target.path, target.mime, found) if found.sound else None
            video.write_frames(self._swap_frames(target, stream, tracker, watch), path, stream.rate, watch, sound)
            self._settle(tracker)
            self._notes += video.conversion_notes(found)
            kept = self._context.save_file(path)
        return video.with_dimensions(kept, video.probe(kept.path, kept.mime, watch=watch))

    def _swap_frames(
        self, target: Media, stream: video.Stream, tracker: Tracker, watch: video.CancelOrTimeout
    ) -> Iterator[Picture]:
        """Yield the frames swapped. The device works on one while the next is read and searched."""
        before: FrameSwap | None = None
        for number, frame in enumerate(video.read_frames(target.path, target.mime, stream, watch)):
            self._telling(min(1.0, number / stream.frames))
            begun = self._swap_frame(tracker, frame)
            if before:
                yield self._mark(before.finish())
            before = begun
        if before:
            yield self._mark(before.finish())

    def _swap_frame(self, tracker: Tracker, frame: Picture) -> FrameSwap:
        """Begin to swap a frame's faces. A face that turns too far aside stays itself until it turns back."""
        swapping = FrameSwap(self._swapper, frame, self._params.blend, fine=False)
        for source, face in tracker.step(frame):
            if abs(face.yaw) <= self._swapper.most_yaw[1]:
                swapping.begin(self._identity(source), face)
                self._count += 1
        return swapping

    def _settle(self, tracker: Tracker) -> None:
        """Add the notes after the last frame. Raises BadInput if the chosen faces never appeared."""
        if tracker.first is None and not tracker.most:
            raise no_face("target")
        if tracker.first is None:
            raise BadInput(
                "There is no face {number} in target. At most {count} face is visible at once.",
                plural="There is no face {number} in target. At most {count} faces are visible at once.",
                number=self._choice.least,
                count=tracker.most,
            )
        if not self._count:
            raise BadInput(
                "The faces in target are only seen from the side. Attach one that shows them from the front."
            )
        self._explain(*tracker.first)
        self._notes += note_doubts(tracker.doubts)

    def _explain(self, picture: Picture, faces: Sequence[Any], settled: dict[int, int]) -> None:
        """Add a picture with numbered faces if there were several and none was chosen."""
        if self._params.face is not None:
            return
        for option, seen, found, taken in (
            ("target", picture, faces, settled.keys()),
            ("source", self._source, self._sources, settled.values()),
        ):
            if len(found) < 2:
                continue
            self._more.append(self._context.save_file(png.encode(overlays.draw_numbers(seen, found, taken))))
            self._notes.append(
                UserMessage(
                    template="{option} has {count} face, and the largest, number {number}, was used. See the"
                    " numbered picture and choose with face: 2, 1=2 (target=source) or all.",
                    plural="{option} has {count} faces, and the largest, number {number}, was used. See the"
                    " numbered picture and choose with face: 2, 1=2 (target=source) or all.",
                    facts={"count": len(found), "option": option, "number": next(iter(taken)) + 1},
                )
            )


def _stream(found: video.Probe) -> video.Stream:
    """Return the video stream. Raises BadInput if there is none, TooLarge if its frames are too large."""
    stream = found.video
    if stream is None:
        raise BadInput("target only has sound. Attach a picture, a GIF or a video.")
    if stream.width * stream.height > MAX_FRAME_PIXELS:
        raise TooLarge(
            "target is {width} x {height} pixels; the limit is {bound:,} in all. Attach a smaller video.",
            width=stream.width,
            height=stream.height,
            bound=MAX_FRAME_PIXELS,
        )
    return stream
