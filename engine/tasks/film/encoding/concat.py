"""Join encoded scenes into one film without encoding them again, and add the sound."""

from collections.abc import Callable, Sequence
from pathlib import Path

from engine.core.job import Media
from engine.media.video import CancelOrTimeout, run_pipeline
from engine.tasks.film.sound.mix import AAC

OnSeconds = Callable[[float], None]
"""Called with the seconds of the film that are done."""


def concatenate(
    scenes: Sequence[Media], sound: Path | None, path: Path, watch: CancelOrTimeout, on_seconds: OnSeconds
) -> None:
    """Write the MP4 `path`, with its index at the start for streaming. Raises what `run_pipeline` raises."""
    import ffmpeg

    playlist = path.with_suffix(".txt")
    playlist.write_text("".join(f"file '{_quote(scene.path.absolute())}'\n" for scene in scenes), "utf-8")
    video = ffmpeg.input(playlist.name, f="concat", safe=0, protocol_whitelist="file,pipe")["v:0"]
    streams, options = [video], dict[str, object]({"c:v": "copy"})
    if sound is not None:
        streams.append(ffmpeg.input(str(sound), f="wav").audio)
        options |= AAC
    output = ffmpeg.output(*streams, path.name, f="mp4", movflags="+faststart", map_metadata=-1, **options)
    run_pipeline(output, watch, on_seconds, path.parent)


def _quote(path: Path) -> str:
    return str(path).replace("'", r"'\''")
