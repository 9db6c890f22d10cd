"""Measure films: 60 s of 720p against one FFmpeg command, memory by number of scenes, and the overlap of lanes.

Run it with `scripts/bench film`. Figures are medians of ROUNDS, with ours and the peers' in turn. The peers make the
same film of the same pictures with the same encoder settings. `overlap` draws with pocket and speaks with the installed
voices.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from engine.core.job import Media, Result
from engine.core.settings import WorkerSettings
from engine.media import files as media
from engine.media.video import ffmpeg_path
from engine.tasks.film import pipeline
from engine.tasks.film.context import FilmContext
from engine.tasks.film.film import Film, Scene
from engine.tasks.registry import TASKS
from engine.weights.registry import weights_folder
from engine.worker.context import Context
from engine.worker.loop import loaders
from engine.worker.model_pool import Pool

SCENES, SECONDS, FADE, RATE = 10, 6.0, 0.6, 30
ROUNDS = int(os.environ.get("ROUNDS", "3"))
LANES = {"picture": "drawing", "voice": "speaking"}
WORDS = ("A red apple lies here.", "The sun is high.", "A ship comes home.", "Somebody waits at the door.", "It rains.")
THINGS = ("a red apple", "the sun", "a ship", "a house", "a rain cloud")


def main() -> None:
    """Measure all figures, or only those named on the command line: speed, memory, overlap."""
    if sys.argv[1:2] == ["memory"] and len(sys.argv) > 2:
        _film(Path(sys.argv[2]), int(sys.argv[3]), 2.0)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "weights").symlink_to(weights_folder(Path("data")).resolve())
        for part in (_speed, _memory, _overlap):
            if not sys.argv[1:] or part.__name__[1:] in sys.argv[1:]:
                part(folder)


def _speed(folder: Path) -> None:
    makers: dict[str, Callable[[int], None]] = {
        "atelier": lambda turn: _film(_fresh(folder, turn), SCENES, SECONDS),
        "ffmpeg, zoompan of twice the size": lambda _: _peer(folder, 2),
        "ffmpeg, zoompan that trembles": lambda _: _peer(folder, 1),
    }
    took: dict[str, list[float]] = defaultdict(list)
    for turn in range(ROUNDS):
        for name, make in makers.items():
            started = time.monotonic()
            make(turn)
            took[name].append(time.monotonic() - started)
    film = SCENES * SECONDS
    peer = statistics.median(took["ffmpeg, zoompan of twice the size"])
    print(f"{film:.0f} s of 1280 x 720, {SCENES} scenes, on {os.cpu_count()} cores, median of {ROUNDS}")
    for name, times in took.items():
        middle = statistics.median(times)
        print(f"  {name:36} {middle:6.1f} s  {film / middle:5.2f} x real time  {middle / peer:5.2f} x the first peer")


def _memory(folder: Path) -> None:
    print("peak memory of the process by scenes of 2 s")
    for count in (5, 20, 60):
        told = subprocess.check_output(
            [sys.executable, "-m", "bench.film", "memory", str(_fresh(folder, 100 + count)), str(count)]
        )
        print(f"  {count:3} scenes {told.decode().split()[-1]:>6} MB")


class Timed(FilmContext):
    """Work that knows how long each lane took."""

    def __init__(self, film: Film, context: Context) -> None:
        super().__init__(film, context)
        self.lanes: dict[str, float] = defaultdict(float)

    def stage(self, name: str, key: str, make: Callable[[], Result], kind: str = "") -> Result:
        def run_and_time() -> Result:
            started = time.monotonic()
            try:
                return make()
            finally:
                self.lanes[LANES.get(name.split(maxsplit=1)[0], "filming")] += time.monotonic() - started

        return super().stage(name, key, run_and_time, kind)


def _overlap(folder: Path) -> None:
    scenes = tuple(Scene(THINGS[at % 5], WORDS[at % 5], seed=at) for at in range(SCENES))
    context = _context(_fresh(folder, 200))
    with context.model("imagine"):
        pass
    work = Timed(Film(scenes, shape="square"), context)
    started = time.monotonic()
    made = pipeline.render_film(work)
    whole = time.monotonic() - started
    longest = max(work.lanes.values())
    print(f"{SCENES} scenes drawn, spoken and filmed, {made.video.seconds:.0f} s of film")
    for lane, seconds in work.lanes.items():
        print(f"  {lane:10} {seconds:6.1f} s")
    together = sum(work.lanes.values())
    print(
        f"  in all     {whole:6.1f} s, {whole / longest:.2f} x the longest lane; one after the other {together:.1f} s"
    )


def _film(folder: Path, count: int, seconds: float) -> None:
    scenes = tuple(
        Scene(image=_picture(folder, at), seconds=seconds, motion="zoom" if at % 2 else "pan") for at in range(count)
    )
    pipeline.render_film(FilmContext(Film(scenes), _context(folder)))


def _context(folder: Path) -> Context:
    settings = WorkerSettings(folder=folder, memory=10**10, models={"imagine": "pocket", "subtitle": "base"})
    services = {name: task.choose(settings) for name, task in TASKS.items() if name != "magic"}
    pool = Pool(10**10, dict(loaders([TASKS["imagine"], TASKS["scenes"]], services, settings)))
    return Context("job", folder, pool, services["scenes"], lambda _: None, services=services)


def _fresh(folder: Path, number: int) -> Path:
    """A studio that has made nothing yet."""
    place = folder / f"studio{number}"
    place.mkdir(exist_ok=True)
    if not (place / "weights").exists():
        (place / "weights").symlink_to(weights_folder(Path("data")).resolve())
    return place


def _picture(folder: Path, seed: int) -> Media:
    """Clouds of colour with fine grain: as hard to encode as a photograph."""
    chance = np.random.default_rng(seed)
    broad = Image.fromarray(chance.integers(0, 255, (12, 20, 3), np.uint8)).resize(
        (1600, 900), Image.Resampling.BICUBIC
    )
    fine = Image.fromarray(chance.integers(0, 255, (900, 1600, 3), np.uint8)).filter(ImageFilter.GaussianBlur(3))
    path = folder / f"{seed}.jpg"
    Image.blend(broad, fine, 0.3).save(path, quality=92)
    return media.keep(path.read_bytes(), folder / "media")


def _peer(folder: Path, oversampled: int) -> None:
    """The same film by one command: each picture moved by zoompan, joined by xfade."""
    inputs, chains = list[str](), list[str]()
    for at in range(SCENES):
        inputs += ["-i", str(_picture(folder, at).path)]
        frames = round((SECONDS + (FADE if at < SCENES - 1 else 0)) * RATE)
        zoom = f"z='1+0.22*on/{frames}':x='(iw-iw/zoom)/2':y='(ih-ih/zoom)/2'"
        pan = f"z=1.15:x='(iw-iw/zoom)*on/{frames}':y='(ih-ih/zoom)/2'"
        move = zoom if at % 2 else pan
        chains.append(f"[{at}]scale={1600 * oversampled}:-2,zoompan={move}:d={frames}:s=1280x720:fps={RATE}[v{at}]")
    last = "v0"
    for at in range(1, SCENES):
        chains.append(f"[{last}][v{at}]xfade=duration={FADE}:offset={at * SECONDS}[x{at}]")
        last = f"x{at}"
    encoded = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
    graph = ["-filter_complex", ";".join(chains), "-map", f"[{last}]"]
    subprocess.run(
        [ffmpeg_path(), "-y", "-loglevel", "error", *inputs, *graph, *encoded, folder / "peer.mp4"], check=True
    )


if __name__ == "__main__":
    main()
