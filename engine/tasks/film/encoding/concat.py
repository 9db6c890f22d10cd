"""Scenes to one film: their encoded pictures one after the other as they are, and the sound."""

from collections.abc import Callable, Sequence
from pathlib import Path

from engine.core.job import Media
from engine.media.video import CancelOrTimeout, run_pipeline
from engine.tasks.film.sound.mix import AAC

OnSeconds = Callable[[float], None]


def concatenate(
    scenes: Sequence[Media], sound: Path | None, path: Path, watch: CancelOrTimeout, on_seconds: OnSeconds
) -> None:
    """Write the MP4 `path`, which begins with what a player needs first. Raises what `run` does."""
    import ffmpeg

    listed = path.with_suffix(".txt")
    listed.write_text("".join(f"file '{_quote(scene.path.absolute())}'\n" for scene in scenes), "utf-8")
    video = ffmpeg.input(listed.name, f="concat", safe=0, protocol_whitelist="file,pipe")["v:0"]
    streams, how = [video], dict[str, object]({"c:v": "copy"})
    if sound is not None:
        streams.append(ffmpeg.input(str(sound), f="wav").audio)
        how |= AAC
    made = ffmpeg.output(*streams, path.name, f="mp4", movflags="+faststart", map_metadata=-1, **how)
    run_pipeline(made, watch, on_seconds, path.parent)


def _quote(path: Path) -> str:
    return str(path).replace("'", r"'\''")
