"""Measure how long our transcription takes compared with faster-whisper alone, and the memory for ten minutes of audio.

Goals: at most 1.1 times the library's time on the same file, and under 1 GB for ten minutes. This needs espeak-ng.
"""

import resource
import statistics
import subprocess
import time
import wave
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from bench.lib.report import figures, finish
from engine.core.devices import devices
from engine.core.job import Media
from engine.core.settings import WorkerSettings
from engine.media import files as media
from engine.media import video
from engine.tasks.subtitle.backends import choose
from engine.tasks.subtitle.cutting import cut_cues
from engine.tasks.subtitle.whisper import SAMPLE_RATE, Whisper
from engine.weights import registry

SAID = (
    "Good morning everyone, and welcome to our little workshop. Today we are going to build a wooden chair, and paint "
    "it blue. First, measure the legs with great care, because a short leg makes the whole chair wobble."
)
TURNS = 5
LONG = 600
"""Seconds of the long recording, mostly silence: memory follows the samples, not the words."""


def synthesise(folder: Path) -> Media:
    """Synthesise a sentence and return its file."""
    path = folder / "said.wav"
    subprocess.run(["espeak-ng", "-v", "en-us", "-w", str(path), SAID], check=True)
    return media.keep(path, folder)


def append_silence(short: Media, folder: Path) -> Media:
    """Return the same speech followed by silence, LONG seconds in all."""
    path = folder / "long.wav"
    with wave.open(str(short.path)) as source, wave.open(str(path), "wb") as target:
        target.setparams(source.getparams())
        spoken_frames = source.readframes(source.getnframes())
        target.writeframes(spoken_frames)
        target.writeframes(bytes(LONG * source.getframerate() * 2 - len(spoken_frames)))
    return media.keep(path, folder)


def ours(whisper: Whisper, source: Media) -> None:
    """Transcribe as the task does."""
    video.probe(source.path, source.mime)
    heard = video.read_mono(source.path, source.mime, SAMPLE_RATE, video.CancelOrTimeout(Event()))
    cut_cues(whisper.transcribe(heard, None, "transcribe", lambda: None, lambda _: None).words)


def bare(whisper: Whisper, source: Media) -> None:
    """Transcribe with faster-whisper alone."""
    segments, _ = whisper._model.transcribe(str(source.path), vad_filter=True, word_timestamps=True)
    list(segments)


def took(work: Callable[[Whisper, Media], None], whisper: Whisper, source: Media) -> float:
    """Return the seconds of `work`."""
    started = time.perf_counter()
    work(whisper, source)
    return time.perf_counter() - started


def peak() -> float:
    """Return the peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure and print all figures."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        device = devices("auto")[0]
        model = choose(WorkerSettings(device=device, folder=folder, memory=0)).model
        whisper = Whisper(registry.path_or_raise(model, registry.FOLDER), device)
        source = synthesise(folder)
        seconds = video.probe(source.path, source.mime).seconds
        times: dict[Callable[[Whisper, Media], None], list[float]] = {bare: [], ours: []}
        for _ in range(TURNS):  # in turns, so that a busy moment of the machine falls on both
            for work, found in times.items():
                found.append(took(work, whisper, source))
        medians = {work.__name__: statistics.median(found) for work, found in times.items()}
        print(f"{seconds:.1f} s of speech, {model} on {device}, medians of {TURNS}")
        figures["subtitle, times as fast as speech"] = seconds / medians["ours"]
        for name, median in medians.items():
            print(f"  {name:6}{median:8.2f} s")
        print(f"  ratio {medians['ours'] / medians['bare']:8.2f}")
        before = peak()
        ours(whisper, append_silence(source, folder))
        print(f"most memory: {before:.0f} MB after {seconds:.0f} s of sound, {peak():.0f} MB after {LONG} s")
    finish()


if __name__ == "__main__":
    main()
