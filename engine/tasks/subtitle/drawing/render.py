"""Put subtitles into a video: burnt in, as a separate track, or over the waveform of an audio file."""

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
    h264_options,
    open_input,
    prepare_sound,
    probe,
    run_pipeline,
    select_stream,
)
from engine.tasks.subtitle.drawing.typefaces import Typefaces

AUDIOGRAM_SIZE = (1280, 720)
"""Width and height in pixels of the video made from an audio file."""
AUDIOGRAM_FRAME_RATE = 25
"""Frames per second of that video."""
H264 = {**h264_options(20), "pix_fmt": "yuv420p", "movflags": "+faststart", **TAGS}
AAC = {"c:a": "aac", "b:a": "160k"}
FONTCONFIG = '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig></fontconfig>'
"""An empty configuration, so that no font of the machine is used."""

OnSeconds = Callable[[float], None]
"""Called with the seconds of the result that are done."""


def isolate_fonts(folder: Path) -> None:
    """Stop FFmpeg from using fonts of the machine when it runs in the working folder `folder`."""
    (folder / FONTS).write_text(FONTCONFIG)


def draw_ass(video: Any, ass: str, path: Path, typefaces: Typefaces, watch: CancelOrTimeout) -> Any:
    """Return `video`, an ffmpeg-python stream, with the ASS text drawn on it.

    The text is written to `path` in the working folder, and its fonts to a folder next to it. Raises Cancelled.
    """

    def check() -> None:
        if watch.cancelled.is_set():
            raise Cancelled("Cancelled.")

    path.write_text(ass, "utf-8")
    fonts = path.with_suffix(".fonts")
    shutil.rmtree(fonts, ignore_errors=True)
    typefaces.write_fonts(ass, fonts, check)
    return video.filter("ass", path.name, fontsdir=fonts.name)


class Renderer:
    """Renders videos in a `folder` prepared by `isolate_fonts`."""

    def __init__(self, folder: Path, watch: CancelOrTimeout, typefaces: Typefaces) -> None:
        self.folder = folder
        self._watch = watch
        self._typefaces = typefaces

    def burn(self, media: Media, ass: str, on_seconds: OnSeconds, source_info: Probe | None = None) -> Path:
        """Draw the subtitles into the video and return the path of the result. Raises BadInput if the video cannot be
        decoded.

        The letters are drawn last, on square pixels in SDR, so that their shape and brightness are right.
        """
        source_info = source_info or probe(media.path, media.mime, watch=self._watch)
        source, shown = self._open_pictures(media, source_info)
        return self._encode(
            [self._burn_in(shown, ass), *self._open_sound(source, source_info)], on_seconds, **H264, **AAC
        )

    def mux(
        self, media: Media, srt: str, language: str, on_seconds: OnSeconds, source_info: Probe | None = None
    ) -> Path:
        """Return the path of a copy of the video with all its sound and the subtitles as a track that players can hide.

        The streams are copied, or encoded again if MP4 does not support their codecs. Raises BadInput if they cannot be
        decoded.
        """
        import ffmpeg

        source_info = source_info or probe(media.path, media.mime, watch=self._watch)
        (self.folder / "cues.srt").write_text(srt, "utf-8")
        cues = ffmpeg.input("cues.srt", f="srt", protocol_whitelist="file,pipe")["s"]
        named = {"c:s": "mov_text", "metadata:s:s:0": f"language={language}", "disposition:s:0": "default"}
        source, shown = self._open_pictures(media, source_info)
        try:
            streams = [source["V:0"], source["a?"], cues]
            return self._encode(
                streams, on_seconds, **named, **{"c:v": "copy", "c:a": "copy", "movflags": "+faststart"}
            )
        except BadInput:  # MP4 does not support a codec
            return self._encode(
                [shown, *self._open_sound(source, source_info), cues], on_seconds, **named, **H264, **AAC
            )

    def audiogram(
        self, media: Media, ass: str, seconds: float, on_seconds: OnSeconds, source_info: Probe | None = None
    ) -> Path:
        """Return the path of a video of an audio file: its waveform with the subtitles over it. Raises BadInput."""
        import ffmpeg

        width, height = AUDIOGRAM_SIZE
        source_info = source_info or probe(media.path, media.mime, watch=self._watch)
        sound = self._open_sound(open_input(media.path, media.mime), source_info)[0].asplit()
        waves = (
            sound[0]
            .filter("aformat", channel_layouts="stereo")
            .filter(
                "showwaves",
                s=f"{width}x{height // 3}",
                mode="cline",
                rate=AUDIOGRAM_FRAME_RATE,
                colors="0x6fb7ffff|0x6fb7ffff",
                scale="cbrt",
                draw="full",
            )
        )
        colour = f"color=c=0x16202c:s={width}x{height}:r={AUDIOGRAM_FRAME_RATE}"
        page = ffmpeg.input(colour, f="lavfi", t=math.ceil(seconds * AUDIOGRAM_FRAME_RATE) / AUDIOGRAM_FRAME_RATE)
        shown = convert_rgb_to_bt709(page.overlay(waves, x=0, y=height // 4, shortest=1, format="gbrp"))
        draw_ass = self._burn_in(shown, ass)
        return self._encode([draw_ass, sound[1]], on_seconds, **H264, **AAC)

    def _open_pictures(self, media: Media, source_info: Probe) -> tuple[Any, Any]:
        """Return the opened file and its pictures as they are displayed, with even sides. Raises BadInput without
        pictures.
        """
        stream = source_info.video
        if stream is None:
            raise BadInput("This file has no video. Attach a video.")
        source = open_input(media.path, media.mime, decoder=stream.decoder)
        pictures = select_stream(source, stream.index, "v")
        size = (stream.width + stream.width % 2, stream.height + stream.height % 2)  # 4:2:0 needs even sides
        return source, convert_to_bt709(pictures, stream.colours, stream.coded[1], size)

    def _open_sound(self, source: Any, source_info: Probe) -> list[Any]:
        """Return the sound of an opened file in a list, which is empty if there is none."""
        return [downmix(prepare_sound(source, source_info.sound))] if source_info.sound else []

    def _burn_in(self, video: Any, ass: str) -> Any:
        return draw_ass(video, ass, self.folder / "cues.ass", self._typefaces, self._watch)

    def _encode(self, streams: list[Any], on_seconds: OnSeconds, **how: Any) -> Path:
        import ffmpeg

        output = ffmpeg.output(*streams, "output.mp4", f="mp4", map_metadata=-1, **how)
        try:
            run_pipeline(output, self._watch, on_seconds, self.folder)
        except FFmpegFailed as error:
            raise BadInput("This audio or video file is damaged. Try another copy.") from error
        return self.folder / "output.mp4"
