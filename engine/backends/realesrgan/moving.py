"""GIFs, other animated pictures and short videos, frame by frame."""

import io
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine import video
from engine.backends.realesrgan.enlarger import Enlarger
from engine.backends.realesrgan.steps import OnStep, part
from engine.backends.realesrgan.still import Still, damaged, enlarged, still
from engine.errors import BadInput, TooLarge
from engine.job import Media
from engine.task import Context

if TYPE_CHECKING:
    from PIL import Image

Picture = NDArray[np.uint8]

MOST_ANIMATED = 400_000_000
"""Pixels of all frames together that an animated picture may have when it is enlarged: they are held till the end."""
MOST_FRAME = 3840 * 2160
"""Pixels that a frame of a video may have when it is enlarged, so that players play it."""
SHORT = video.Bounds(seconds=60, frames=1800)
"""What a short video is."""
USUAL_DURATION = 100
"""Milliseconds that a frame is shown which does not say so."""


def frames_of(path: Path) -> int:
    """How many pictures the file of a picture has. Raises BadInput for a damaged one."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return int(getattr(image, "n_frames", 1))
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise damaged() from error


def animation(path: Path, size: tuple[int, int], enlarge: Enlarger, on_step: OnStep) -> bytes:
    """A GIF as a GIF, what else is animated as a WebP, with the times and the loops that it had. Raises BadInput."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            _check_animated(image.n_frames, size)  # type: ignore[attr-defined]  # of animated formats
            loop = {"loop": image.info["loop"]} if "loop" in image.info else {}
            frames, durations = [], []
            for frame, duration in _grown(image, size, enlarge, on_step):
                frames.append(_indexed(frame) if image.format == "GIF" else _whole(frame))
                durations.append(duration)
            return _bound_up(frames, "GIF" if image.format == "GIF" else "WEBP", duration=durations, **loop)
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise damaged() from error


def look(media: Media, context: Context) -> tuple[video.Probe, video.Stream]:
    """What is in the video. Raises BadInput and TooLarge."""
    found = video.probe(media.path, media.mime, SHORT, video.Watch(cancelled=context.cancelled, seconds=30))
    if found.video is None:
        raise BadInput("image has no moving pictures, only sound. Attach a picture, a GIF or a video.")
    return found, found.video


def clip(media: Media, found: video.Probe, scale: float, enlarge: Enlarger, context: Context) -> Media:
    """An MP4 with the sound that the video had."""
    stream = found.video
    assert stream is not None
    height, width = (2 * round(side * scale / 2) for side in (stream.height, stream.width))
    if width * height > MOST_FRAME:
        raise TooLarge(
            "{scale} times {width} x {height} is over the {bound} pixels that a video may have."
            " Ask for a smaller scale.",
            scale=f"{scale:g}",
            width=stream.width,
            height=stream.height,
            bound=MOST_FRAME,
        )
    watch = video.Watch(cancelled=context.cancelled)
    with TemporaryDirectory(prefix="atelier-") as place:
        path = Path(place) / "larger.mp4"
        larger = _larger(media, stream, (height, width), enlarge, context)
        video.write(larger, path, stream.rate, watch, (media.path, media.mime, found) if found.sound else None)
        kept = context.keep_file(path)
    return kept.model_copy(update={"width": width, "height": height, "seconds": found.seconds})


def _larger(
    media: Media, stream: video.Stream, size: tuple[int, int], enlarge: Enlarger, context: Context
) -> Iterator[Picture]:
    watch = video.Watch(cancelled=context.cancelled)
    for number, frame in enumerate(video.frames(media.path, media.mime, stream, watch)):
        context.progress("enlarging", min(1.0, number / stream.frames))
        yield enlarge(frame, size, lambda _: context.check())


def _check_animated(frames: int, size: tuple[int, int]) -> None:
    if frames * size[0] * size[1] > MOST_ANIMATED:
        raise TooLarge(
            "image has {frames} frames; at {width} x {height} pixels at most {bound} are allowed. Ask for a smaller"
            " scale, or attach a shorter one.",
            frames=frames,
            width=size[1],
            height=size[0],
            bound=MOST_ANIMATED // (size[0] * size[1]),
        )


def _grown(
    image: "Image.Image", size: tuple[int, int], enlarge: Enlarger, on_step: OnStep
) -> Iterator[tuple[Still, float]]:
    """Each frame enlarged, and for how many milliseconds it is shown. One that repeats the last one costs nothing."""
    count: int = image.n_frames  # type: ignore[attr-defined]  # of animated formats
    last: tuple[Still, Still] | None = None
    for number in range(count):
        image.seek(number)
        small = still(image)
        if last is None or not _same(small, last[0]):
            last = (small, enlarged(small, size, enlarge, part(on_step, number, count)))
        yield last[1], image.info.get("duration", USUAL_DURATION)


def _same(one: Still, other: Still) -> bool:
    if (one.alpha is None) != (other.alpha is None) or not np.array_equal(one.colours, other.colours):
        return False
    return one.alpha is None or other.alpha is None or np.array_equal(one.alpha, other.alpha)


def _indexed(frame: Still) -> "Image.Image":
    """In 255 colours, and one for what is transparent; GIF knows no half."""
    from PIL import Image

    image = Image.fromarray(frame.colours).quantize(255, Image.Quantize.MEDIANCUT)
    if frame.alpha is not None:
        image.paste(255, mask=Image.fromarray(np.where(frame.alpha < 128, np.uint8(255), np.uint8(0))))
        image.info["transparency"] = 255
    return image


def _whole(frame: Still) -> "Image.Image":
    from PIL import Image

    image = Image.fromarray(frame.colours)
    if frame.alpha is not None:
        image.putalpha(Image.fromarray(frame.alpha))
    return image


def _bound_up(frames: "list[Image.Image]", kind: str, **options: Any) -> bytes:
    held = io.BytesIO()
    clears = any("transparency" in frame.info for frame in frames)
    more = {"disposal": 2 if clears else 1} if kind == "GIF" else {"quality": 90}
    frames[0].save(held, kind, save_all=True, append_images=frames[1:], **more, **options)
    return held.getvalue()
