"""Subtitles into a video: burnt in, as a track of their own, or over the waves of a sound."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.errors import BadInput, Cancelled
from engine.job import Media
from engine.subtitles.typefaces import Typefaces
from engine.video import FONTS, FFmpegFailed, Watch, opened, run

AUDIOGRAM = (1280, 720)
"""Pixels of the video that a sound becomes."""
RATE = 25
H264 = {"c:v": "libx264", "preset": "veryfast", "crf": 20, "pix_fmt": "yuv420p", "movflags": "+faststart"}
AAC = {"c:a": "aac", "b:a": "160k"}
FONTCONFIG = '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig></fontconfig>'
"""No font of the machine's own."""

OnSeconds = Callable[[float], None]


def furnish(folder: Path) -> None:
    """Keep FFmpeg from the machine's fonts in the working folder `folder`."""
    (folder / FONTS).write_text(FONTCONFIG)


def drawn(video: Any, ass: str, path: Path, typefaces: Typefaces, watch: Watch) -> Any:
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

    def __init__(self, folder: Path, watch: Watch, typefaces: Typefaces) -> None:
        self.folder = folder
        self._watch = watch
        self._typefaces = typefaces

    def burn(self, media: Media, ass: str, on_seconds: OnSeconds) -> Path:
        """The video with the subtitles drawn into its pictures. Raises BadInput where it cannot be decoded."""
        source = opened(media.path, media.mime)
        return self._make([self._drawn(_even(source.video), ass), source["a:0?"]], on_seconds, **H264, **AAC)

    def mux(self, media: Media, srt: str, language: str, on_seconds: OnSeconds) -> Path:
        """The video as it is, with the subtitles as a track that a player can turn off."""
        import ffmpeg

        (self.folder / "cues.srt").write_text(srt, "utf-8")
        source = opened(media.path, media.mime)
        track = ffmpeg.input("cues.srt", f="srt", protocol_whitelist="file,pipe")
        kept = {"c:v": "copy", "c:a": "copy", "c:s": "mov_text", "movflags": "+faststart"}
        named = {"metadata:s:s:0": f"language={language}", "disposition:s:0": "default"}
        others = [source["a:0?"], track["s"]]
        try:
            return self._make([source["V:0"], *others], on_seconds, **kept, **named)
        except BadInput:  # a codec that MP4 does not hold
            return self._make([_even(source["V:0"]), *others], on_seconds, **kept | named | H264 | AAC)

    def audiogram(self, media: Media, ass: str, seconds: float, on_seconds: OnSeconds) -> Path:
        """A video of a sound: its waves, and the subtitles over them."""
        import ffmpeg

        width, height = AUDIOGRAM
        sound = opened(media.path, media.mime)["a:0"].asplit()
        waves = (
            sound[0]
            .filter("aformat", channel_layouts="mono")
            .filter(
                "showwaves",
                s=f"{width}x{height // 3}",
                mode="cline",
                rate=RATE,
                colors="0x6fb7ffff",
                scale="cbrt",
                draw="full",
            )
        )
        colour = f"color=c=0x16202c:s={width}x{height}:r={RATE}"
        page = ffmpeg.input(colour, f="lavfi", t=math.ceil(seconds * RATE) / RATE)
        drawn = self._drawn(page.overlay(waves, x=0, y=height // 4, shortest=1), ass)
        return self._make([drawn, sound[1]], on_seconds, **H264, **AAC)

    def _drawn(self, video: Any, ass: str) -> Any:
        return drawn(video, ass, self.folder / "cues.ass", self._typefaces, self._watch)

    def _make(self, streams: list[Any], on_seconds: OnSeconds, **how: Any) -> Path:
        import ffmpeg

        made = ffmpeg.output(*streams, "made.mp4", f="mp4", map_metadata=-1, **how)
        try:
            run(made, self._watch, on_seconds, self.folder)
        except FFmpegFailed as error:
            raise BadInput("The sound or video is damaged: it cannot be decoded. Attach another one.") from error
        return self.folder / "made.mp4"


def _even(video: Any) -> Any:
    """The video one pixel wider or higher where it has odd sides, which 4:2:0 cannot hold.

    FFmpeg's `pad` would lose the last column of a video that is 4:2:0 already: it copies whole chroma samples.
    """
    return video.filter("scale", "ceil(iw/2)*2", "ceil(ih/2)*2")
