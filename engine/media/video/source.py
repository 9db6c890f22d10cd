"""Open a person's file in FFmpeg: with the demuxer of what it is, and nothing else.

A playlist, a concat list or an SVG can name other files and addresses. None of their demuxers is in `DEMUXERS`, and
FFmpeg never guesses one, so such a file is read as the sound or video that it claims to be and found damaged. MOV's
references to other files are off by FFmpeg's default (`enable_drefs`), and what it may open at all is in `PROTOCOLS`.
"""

from pathlib import Path
from typing import Any

from engine.media.video.limits import max_coded_pixels

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
"""FFmpeg's demuxer by the type that `engine.media.files.sniff` found; the same file is always read in the same way."""


def select_stream(source: Any, index: int | None, kind: str) -> Any:
    """Return the stream with this number of an opened file; without a number the first of `kind`, such as "a:0"."""
    return source[kind if index is None else str(index)]


def open_input(path: Path, mime: str, max_pixels: int | None = None, decoder: str | None = None, **options: Any) -> Any:
    """The file as an input of an ffmpeg-python pipeline. `max_pixels` bounds each coded frame, by default as the
    owner says. KeyError for pictures.

    `decoder` is that of `Stream.decoder`, for the pictures.

    It is found whatever folder the pipeline works in: the owner's data folder is mostly named from the studio's.
    """
    import ffmpeg

    bound: dict[str, Any] = {"max_pixels": max_pixels or max_coded_pixels()}
    if decoder:
        bound["c:v"] = decoder
    name = f"file:{path.absolute()}"
    return ffmpeg.input(name, f=DEMUXERS[mime], protocol_whitelist=PROTOCOLS, **bound, **options)
