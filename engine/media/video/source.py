"""Open a user's file in FFmpeg with the demuxer of its detected type and no other.

A playlist, a concat list or an SVG can refer to other files and URLs. `DEMUXERS` contains no demuxer for them, and
FFmpeg never guesses one, so such a file is read as the audio or video that it claims to be and reported as damaged.
FFmpeg ignores a MOV's references to other files by default (`enable_drefs`), and `PROTOCOLS` limits what it may open.
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
"""FFmpeg's demuxer by the MIME type that `engine.media.files.sniff` detected."""


def select_stream(source: Any, index: int | None, kind: str) -> Any:
    """Return the stream of an opened file with the number `index`, or the first of `kind`, such as "a:0", if None."""
    return source[kind if index is None else str(index)]


def open_input(path: Path, mime: str, max_pixels: int | None = None, decoder: str | None = None, **options: Any) -> Any:
    """Return the file as an input of an ffmpeg-python pipeline.

    `max_pixels` limits each coded frame, by default to the owner's limit. `decoder` is the video decoder, as in
    `Stream.decoder`. The path is made absolute because pipelines run in working folders of their own. Raises KeyError
    for the MIME type of a picture other than GIF.
    """
    import ffmpeg

    bound: dict[str, Any] = {"max_pixels": max_pixels or max_coded_pixels()}
    if decoder:
        bound["c:v"] = decoder
    name = f"file:{path.absolute()}"
    return ffmpeg.input(name, f=DEMUXERS[mime], protocol_whitelist=PROTOCOLS, **bound, **options)
