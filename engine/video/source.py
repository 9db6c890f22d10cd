"""Which FFmpeg runs, and how a person's file is opened by it: with the demuxer of what it is, and nothing else.

A playlist, a concat list or an SVG can name other files and addresses. None of their demuxers is in `DEMUXERS`, and
FFmpeg never guesses one, so such a file is read as the sound or video that it claims to be and found damaged. MOV's
references to other files are off by FFmpeg's default (`enable_drefs`), and what it may open at all is in `PROTOCOLS`.
"""

import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from engine.video.limits import max_coded_pixels

PROTOCOLS = "file,pipe"
DEMUXERS = {
    "image/gif": "gif",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "audio/mp4": "mov",
    "audio/aac": "aac",
    "video/mp4": "mov",
    "video/webm": "matroska",
    "video/x-matroska": "matroska",
    "video/quicktime": "mov",
    "video/x-msvideo": "avi",
    "video/3gpp": "mov",
}
"""FFmpeg's demuxer by the type that `engine.media.sniff` found; the same file is always read in the same way."""
NEEDED = ("--enable-libass", "--enable-libx264")


@cache
def program() -> str:
    """The system's FFmpeg where it has libass and libx264, or else the one of the package imageio-ffmpeg."""
    system = shutil.which("ffmpeg")
    if system and _able(system):
        return system
    from imageio_ffmpeg import get_ffmpeg_exe

    return str(get_ffmpeg_exe())


def opened(path: Path, mime: str, max_pixels: int | None = None, **options: Any) -> Any:
    """The file as an input of an ffmpeg-python pipeline. `max_pixels` bounds each coded frame, by default as the
    owner says. KeyError for pictures.

    It is found whatever folder the pipeline works in: the owner's data folder is mostly named from the studio's.
    """
    import ffmpeg

    bound = {"max_pixels": max_pixels or max_coded_pixels()}
    name = f"file:{path.absolute()}"
    return ffmpeg.input(name, f=DEMUXERS[mime], protocol_whitelist=PROTOCOLS, **bound, **options)


def _able(path: str) -> bool:
    try:
        told = subprocess.check_output([path, "-hide_banner", "-buildconf"], text=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return False
    return all(flag in told for flag in NEEDED)
