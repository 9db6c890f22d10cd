"""Helpers for the tests of subtitle: a worker's inside, synthetic speech, and what a result contains."""

import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.job import Media, Result
from engine.core.settings import WorkerSettings
from engine.media import files as media
from engine.media import video
from engine.tasks.subtitle.files.reader import read_subtitles
from engine.tasks.subtitle.params import Params
from engine.tasks.subtitle.task import TASK
from engine.weights.registry import weights_folder
from engine.worker.context import Context
from engine.worker.model_pool import Pool

ENGLISH = (
    "Good morning everyone, and welcome to our little workshop. Today we are going to build a wooden chair, "
    "and paint it blue. We glue the seat, and wait for an hour."
)
LONGER = (
    f"{ENGLISH} The train to the north leaves at seven. My sister lives in a small house near the river. "
    "Last winter the snow was so deep that nobody could open the door. We stayed at home and read old books. "
    "In the evening our neighbour came with fresh bread and a bottle of milk. He told us about his garden in the south."
)
SPANISH = (
    "Buenos días a todos, y bienvenidos a nuestro pequeño taller. Hoy vamos a construir una silla de madera, "
    "y la pintaremos de azul."
)


class Studio:
    """The inside of a worker: a model pool, a data folder, and the progress of the last job."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "weights").symlink_to(weights_folder(Path("data")).resolve())
        self.settings = WorkerSettings(folder=folder, memory=10**10)
        self.pool = Pool(10**10, {"subtitle": lambda: TASK.load(self.settings)})  # type: ignore[misc]  # it has one
        self.progress: list[tuple[str, float]] = []

    def context(self) -> Context:
        self.progress.clear()
        service = TASK.choose(self.settings)
        return Context("job", self.folder, self.pool, service, lambda at: self.progress.append((at.stage, at.fraction)))

    def make(self, source: Media, **options: Any) -> Result:
        return TASK.run(Params(media=source, **options), self.context())

    def store(self, path: Path) -> Media:
        kept = media.keep(path.read_bytes(), self.folder / "media", path.suffix)
        return kept if path.suffix == ".srt" else video.with_dimensions(kept, video.probe(kept.path, kept.mime))


def speak(folder: Path, words: str, voice: str) -> Path:
    """Return a WAV of `words` spoken by eSpeak NG's `voice`."""
    path = folder / f"{voice}.wav"
    subprocess.run(["espeak-ng", "-v", voice, "-s", "145", "-w", str(path), words], check=True)
    return path


def make_video(sound: Path) -> Path:
    """Return a small video with this sound."""
    path = sound.with_suffix(".mp4")
    picture = ["-f", "lavfi", "-i", "color=c=0x303030:s=320x180:r=8"]
    small = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest"]
    subprocess.run([video.ffmpeg_path(), "-v", "error", *picture, "-i", str(sound), *small, str(path)], check=True)
    return path


def split_words(text: str) -> list[str]:
    """Return the words of `text` in lower case."""
    return re.findall(r"\w+", text.lower())


def word_errors(truth: str, heard: str) -> float:
    """Return the word error rate: substitutions, deletions and insertions per word of `truth`."""
    right, found = split_words(truth), split_words(heard)
    row = list(range(len(found) + 1))
    for at, word in enumerate(right, 1):
        before, row = row, [at]
        for place, other in enumerate(found, 1):
            row.append(min(before[place] + 1, row[-1] + 1, before[place - 1] + (word != other)))
    return row[-1] / len(right)


def subtitle_text(result: Result) -> str:
    """Return the text of all cues in the subtitle file of a result."""
    return " ".join(cue.text for cue in read_subtitles(result.media[1].path.read_bytes()).cues)


def read_cues(result: Result) -> list[tuple[float, float, str]]:
    """Return the start, end and text of each cue in the subtitle file of a result."""
    return [(cue.start, cue.end, cue.text) for cue in read_subtitles(result.media[1].path.read_bytes()).cues]


def count_bright_pixels(made: Media) -> int:
    """Return the number of bright pixels, which are subtitles, a quarter of the way through the video."""
    stream = video.probe(made.path, made.mime).video
    assert stream
    pictures = list(video.read_frames(made.path, made.mime, stream, video.CancelOrTimeout()))
    return int((pictures[len(pictures) // 4].max(2) > 170).sum())


def write_wav(folder: Path, name: str, samples: "np.ndarray[Any, Any]") -> Path:
    """Write mono samples in -1..1 at 16 kHz to a WAV."""
    import wave

    path = folder / name
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def join_sounds(folder: Path, *sounds: Path, pause: float = 4.0) -> Path:
    """The sounds one after the other, with a pause between."""
    path = folder / "joined.wav"
    inputs = [part for sound in sounds for part in ("-i", str(sound))]
    padded = "".join(f"[{at}:a]apad=pad_dur={pause}[s{at}];" for at in range(len(sounds)))
    graph = padded + "".join(f"[s{at}]" for at in range(len(sounds))) + f"concat=n={len(sounds)}:v=0:a=1"
    subprocess.run([video.ffmpeg_path(), "-v", "error", "-y", *inputs, "-filter_complex", graph, str(path)], check=True)
    return path
