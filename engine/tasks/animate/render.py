"""Encodes a portrait and its sound as a video: animated, or a still picture with a waveform."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.media import png, video
from engine.tasks.animate.speech_audio import SpeechAudio
from engine.worker.context import Context

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

FRAMES_PER_SECOND = 25
"""Frames a second."""
TIMEOUT_SECONDS = 3600.0
"""Time limit in seconds of one FFmpeg run. The engine's own limit ends a job sooner."""
RENDER_START, RENDER_END = 0.1, 0.98
"""Progress when the first frame is rendered, and when the last one is."""
PREVIEWS = 4
"""Previews sent per job."""
WAVEFORM_DIVISOR = 5
"""The waveform's height is the picture's divided by this."""
STILL_OPTIONS = {**video.h264_options(20), **video.TAGS, "c:a": "aac", "b:a": "160k"}
"""FFmpeg's output options for a still picture."""
WAVEFORM_OPTIONS = {"mode": "cline", "scale": "cbrt", "draw": "full", "colors": "0xffffffff|0xffffffff"}
"""FFmpeg's options for the waveform."""


@dataclass(frozen=True)
class Scene:
    """A video to encode. `picture` is (H, W, 3); output files go to `folder`."""

    picture: "Picture"
    voiced: SpeechAudio
    folder: Path
    context: Context

    def moving(self, frames: "Iterable[Picture]", count: int) -> Path:
        """Encode `count` frames as an MP4 with the sound."""
        voiced, path = self.voiced, self.folder / "made.mp4"
        watch = video.CancelOrTimeout(self.context.cancelled, TIMEOUT_SECONDS)
        video.write_frames(
            self._report_progress(frames, count),
            path,
            FRAMES_PER_SECOND,
            watch,
            (voiced.path, voiced.mime, voiced.found),
        )
        return path

    def still(self) -> Path:
        """Encode an MP4 as large as the picture and as long as the sound."""
        import ffmpeg

        height, width = self.picture.shape[:2]
        (self.folder / "still.png").write_bytes(png.encode(self.picture))
        page = ffmpeg.input("still.png", f="image2", loop=1, framerate=FRAMES_PER_SECOND, t=self.voiced.found.seconds)
        sound = self._sound().asplit()
        waves = (
            sound[0]
            .filter("aformat", channel_layouts="stereo")
            .filter(
                "showwaves",
                s=f"{width}x{max(2, height // WAVEFORM_DIVISOR)}",
                rate=FRAMES_PER_SECOND,
                **WAVEFORM_OPTIONS,
            )
        )
        drawn = page.overlay(
            waves, x=0, y=height - height // WAVEFORM_DIVISOR - height // 30, shortest=1, format="gbrp"
        )
        even = video.convert_rgb_to_bt709(drawn.filter("scale", "ceil(iw/2)*2", "ceil(ih/2)*2"))
        made = ffmpeg.output(
            even, sound[1], "made.mp4", f="mp4", movflags="+faststart", map_metadata=-1, **STILL_OPTIONS
        )
        video.run_pipeline(
            made, video.CancelOrTimeout(self.context.cancelled, TIMEOUT_SECONDS), self._on_seconds, self.folder
        )
        return self.folder / "made.mp4"

    def _sound(self) -> Any:
        source = video.open_input(self.voiced.path, self.voiced.mime)
        assert self.voiced.found.sound is not None, "what a portrait speaks has sound"
        return video.downmix(video.prepare_sound(source, self.voiced.found.sound))

    def _report_progress(self, frames: "Iterable[Picture]", count: int) -> "Iterator[Picture]":
        """Yield the frames, reporting progress and some previews."""
        step = max(1, count // PREVIEWS)
        for number, frame in enumerate(frames):
            fraction = RENDER_START + (RENDER_END - RENDER_START) * number / count
            self.context.progress("animating", fraction, frame if number % step == 0 else None)
            yield frame

    def _on_seconds(self, seconds: float) -> None:
        self.context.progress("animating", min(RENDER_END, seconds / max(self.voiced.found.seconds, 0.01)))
