"""Subtitles into a video: burnt in, as a track of their own, or over the waves of a sound."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.core.errors import BadInput, Cancelled
from engine.core.job import Media
from engine.media.video import (
    FONTS,
    TAGS,
    CancelOrTimeout,
    FFmpegFailed,
    Probe,
    convert_rgb_to_bt709,
    convert_to_bt709,
    downmix,
    open_input,
    prepare_sound,
    probe,
    run_pipeline,
    select_stream,
)
from engine.tasks.subtitle.drawing.typefaces import Typefaces

AUDIOGRAM = (1280, 720)
"""Pixels of the video that a sound becomes."""
RATE = 25
H264 = {"c:v": "libx264", "preset": "veryfast", "crf": 20, "pix_fmt": "yuv420p", "movflags": "+faststart", **TAGS}
AAC = {"c:a": "aac", "b:a": "160k"}
FONTCONFIG = '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig></fontconfig>'
"""No font of the machine's own."""

OnSeconds = Callable[[float], None]


def furnish(folder: Path) -> None:
    """Keep FFmpeg from the machine's fonts in the working folder `folder`."""
    (folder / FONTS).write_text(FONTCONFIG)


def drawn(video: Any, ass: str, path: Path, typefaces: Typefaces, watch: CancelOrTimeout) -> Any:
    """Return `video`, a stream of ffmpeg-python, with the ASS text on it.

    The text is written to `path`, in the working folder, and its fonts to a folder beside that. Raises Cancelled.
    """

    def check() -> None:
        if watch.cancelled.is_set():
            raise Cancelled("Cancelled.")

    path.write_text(ass, "utf-8")
    fonts = path.with_suffix(".fonts")
    shutil.rmtree(fonts, ignore_errors=True)
    typefaces.write(ass, fonts, check)
    return video.filter("ass", path.name, fontsdir=fonts.name)


class Renderer:
    """Makes videos in a `folder` that is furnished."""

    def __init__(self, folder: Path, watch: CancelOrTimeout, typefaces: Typefaces) -> None:
        self.folder = folder
        self._watch = watch
        self._typefaces = typefaces

    def burn(self, media: Media, ass: str, on_seconds: OnSeconds, found: Probe | None = None) -> Path:
        """Draw the subtitles into the pictures of the video. Raises BadInput where it cannot be decoded.

        The letters are drawn last, on square pixels in SDR, so that they have the shape and the brightness they should.
        """
        found = found or probe(media.path, media.mime, watch=self._watch)
        source, shown = self._shown(media, found)
        return self._make([self._burn_in(shown, ass), *self._heard(source, found)], on_seconds, **H264, **AAC)

    def mux(self, media: Media, srt: str, language: str, on_seconds: OnSeconds, found: Probe | None = None) -> Path:
        """The video as it is, with all its sounds, and the subtitles as a track that a player can turn off."""
        import ffmpeg

        found = found or probe(media.path, media.mime, watch=self._watch)
        (self.folder / "cues.srt").write_text(srt, "utf-8")
        cues = ffmpeg.input("cues.srt", f="srt", protocol_whitelist="file,pipe")["s"]
        named = {"c:s": "mov_text", "metadata:s:s:0": f"language={language}", "disposition:s:0": "default"}
        source, shown = self._shown(media, found)
        try:
            streams = [source["V:0"], source["a?"], cues]
            return self._make(streams, on_seconds, **named, **{"c:v": "copy", "c:a": "copy", "movflags": "+faststart"})
        except BadInput:  # a codec that MP4 does not hold
            return self._make([shown, *self._heard(source, found), cues], on_seconds, **named, **H264, **AAC)

    def audiogram(
        self, media: Media, ass: str, seconds: float, on_seconds: OnSeconds, found: Probe | None = None
    ) -> Path:
        """A video of a sound: its waves, and the subtitles over them."""
        import ffmpeg

        width, height = AUDIOGRAM
        found = found or probe(media.path, media.mime, watch=self._watch)
        sound = self._heard(open_input(media.path, media.mime), found)[0].asplit()
        waves = (
            sound[0]
            .filter("aformat", channel_layouts="stereo")
            .filter(
                "showwaves",
                s=f"{width}x{height // 3}",
                mode="cline",
                rate=RATE,
                colors="0x6fb7ffff|0x6fb7ffff",
                scale="cbrt",
                draw="full",
            )
        )
        colour = f"color=c=0x16202c:s={width}x{height}:r={RATE}"
        page = ffmpeg.input(colour, f="lavfi", t=math.ceil(seconds * RATE) / RATE)
        shown = convert_rgb_to_bt709(page.overlay(waves, x=0, y=height // 4, shortest=1, format="gbrp"))
        drawn = self._burn_in(shown, ass)
        return self._make([drawn, sound[1]], on_seconds, **H264, **AAC)

    def _shown(self, media: Media, found: Probe) -> tuple[Any, Any]:
        """Return the opened file, and its pictures as they are shown, with even sides."""
        stream = found.video
        if stream is None:
            raise BadInput("There are no moving pictures in the recording. Attach a video.")
        source = open_input(media.path, media.mime, decoder=stream.decoder)
        pictures = select_stream(source, stream.index, "v")
        size = (stream.width + stream.width % 2, stream.height + stream.height % 2)  # as 4:2:0 needs them
        return source, convert_to_bt709(pictures, stream.colours, stream.coded[1], size)

    def _heard(self, source: Any, found: Probe) -> list[Any]:
        """Return the sound of an opened file, if there is one."""
        return [downmix(prepare_sound(source, found.sound))] if found.sound else []

    def _burn_in(self, video: Any, ass: str) -> Any:
        return drawn(video, ass, self.folder / "cues.ass", self._typefaces, self._watch)

    def _make(self, streams: list[Any], on_seconds: OnSeconds, **how: Any) -> Path:
        import ffmpeg

        made = ffmpeg.output(*streams, "made.mp4", f="mp4", map_metadata=-1, **how)
        try:
            run_pipeline(made, self._watch, on_seconds, self.folder)
        except FFmpegFailed as error:
            raise BadInput("The sound or video is damaged: it cannot be decoded. Attach another one.") from error
        return self.folder / "made.mp4"
