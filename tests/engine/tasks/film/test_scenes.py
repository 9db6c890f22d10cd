"""/scenes with the real painter, voice and FFmpeg: storyboard, film, what is made again and what is not."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.core.artifact_cache import ArtifactCache
from engine.core.errors import BadInput, Cancelled
from engine.core.job import Media
from engine.media.rgb import load_rgb
from engine.media.video import CancelOrTimeout, probe, read_mono
from engine.tasks.film.scenes_task import Params
from engine.tasks.registry import TASKS
from engine.tasks.subtitle.files.reader import read_subtitles
from tests.engine.tasks.film.film_harness import Studio, seen
from tests.timing import CANCEL_SECONDS

SCRIPT = """title: Fruit
credits: Ana / and the fruit

a red apple
> An apple.
seconds: 2

a yellow lemon
> A lemon.
seconds: 2
transition: wipe

a green pear
seconds: 1
transition: cut
"""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return Studio(tmp_path_factory.mktemp("studio"))


def drawn(studio: Studio) -> set[str]:
    """The scenes that the last job drew."""
    return {str(told.facts.get("scene")) for told in studio.told if told.stage.startswith("drawing scene")}


def test_a_script_becomes_a_storyboard_with_numbers(studio: Studio) -> None:
    made = studio.make("scenes", script=SCRIPT)
    assert [media.mime for media in made.media] == ["image/png"]
    board = load_rgb(made.media[0].path)
    assert board.shape[1] == 1440
    assert made.facts["scenes"] == 3
    assert "a yellow lemon\n> A lemon." in str(made.facts["script"])


def test_a_storyboard_tells_how_far_it_is(studio: Studio) -> None:
    studio.make("scenes", script=SCRIPT, seed=41)
    fractions = [update.fraction for update in studio.told]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert fractions[-1] == pytest.approx(0.97, abs=0.4)
    assert studio.told[-1].seconds_left is not None


def test_what_was_there_already_says_nothing_of_how_long_the_rest_takes(studio: Studio) -> None:
    studio.make("scenes", script=SCRIPT, seed=42)
    studio.make("scenes", script=SCRIPT, seed=42, make="film")
    first = next(update for update in studio.told if update.seconds_left is not None)
    assert first.stage.startswith(("rendering", "creating the voice"))
    begun = [update.fraction for update in studio.told if update.seconds_left is None]
    assert max(begun) > 0.3  # all pictures were found, and nobody said that the film is done in a moment


def test_an_unknown_voice_is_refused_before_the_storyboard_is_drawn(studio: Studio) -> None:
    with pytest.raises(BadInput, match=r"There is no voice “gandalf”\. Use one of man, woman"):
        studio.make("scenes", script=SCRIPT, voice="gandalf")


def test_a_storyboard_becomes_a_film_in_step_with_its_sound(studio: Studio) -> None:
    made = studio.make("scenes", script=SCRIPT, make="film", seed=5)
    film, srt, script = made.media
    found = probe(film.path, film.mime)
    assert found.video is not None
    assert found.sound is not None
    assert found.video.frames == round(found.seconds * 30)
    starts: Any = made.facts["starts"]
    assert starts == [3.0, *starts[1:]]
    cues = read_subtitles(srt.path.read_bytes()).cues
    assert [cue.text for cue in cues] == ["An apple.", "A lemon."]
    heard = read_mono(film.path, film.mime, 8000, CancelOrTimeout())
    assert len(heard) / 8000 == pytest.approx(found.seconds, abs=0.08)
    loud = np.flatnonzero(np.abs(heard[round(8000 * starts[1]) :]) > 0.02)[0] / 8000
    assert loud == pytest.approx(0.5, abs=0.15)  # the lemon is named half a second into its scene
    assert script.path.read_text() == made.facts["script"]
    assert len(seen(film)) == found.video.frames


def test_what_is_unchanged_is_not_made_again(studio: Studio) -> None:
    parts = ArtifactCache(studio.folder)
    before = parts.files()
    first = studio.make("scenes", script=SCRIPT, make="film", seed=9)
    kept = parts.files()
    changed = SCRIPT.replace("a green pear", "a green pear\nseed: 77")
    second = studio.make("scenes", script=changed, make="film", seed=9)
    assert drawn(studio) == {"3"}
    assert 0 < len(parts.files() - kept) < len(kept - before) / 2
    frames = [seen(made.media[0]) for made in (first, second)]
    pear = round(30 * float(second.facts["starts"][2]))  # type: ignore[index, arg-type]  # a list of numbers
    assert all(np.array_equal(*pair) for pair in zip(frames[0][:pear], frames[1][:pear], strict=True))
    assert not np.array_equal(frames[0][pear + 10], frames[1][pear + 10])


def test_the_pictures_are_there_as_a_zip(studio: Studio) -> None:
    made = studio.make("scenes", script=SCRIPT, make="pictures", seed=9)
    assert made.media[0].mime == "application/zip"
    with zipfile.ZipFile(io.BytesIO(made.media[0].path.read_bytes())) as packed:
        assert packed.namelist() == ["scene-01.png", "scene-02.png", "scene-03.png"]


def test_an_idea_is_drafted_in_its_language(studio: Studio) -> None:
    made = studio.make("scenes", idea="un gato que vive en la luna")
    assert made.media == ()
    assert "un gato que vive en la luna" in made.text
    assert "language: es" in made.text
    assert studio.make("scenes", script=made.text).facts["scenes"] == 5


def test_a_character_is_in_every_scene(studio: Studio) -> None:
    alone = studio.make("scenes", script="a red apple", make="pictures", seed=3)
    with_one = studio.make("scenes", script="a red apple", make="pictures", seed=3, character=studio.picture(512, 512))
    assert alone.media[0].sha256 != with_one.media[0].sha256


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({}, "Start with one of these: a script, a script file or an idea"),
        ({"script": "a", "idea": "b"}, "Start with one of these: a script, a script file or an idea"),
        ({"script": "a\nseconds: 99"}, "Line 2: seconds can't be “99”"),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, Any], why: str) -> None:
    with pytest.raises(BadInput, match=why):
        Params.parse(options)


def test_a_file_is_read_by_its_kind(tmp_path: Path) -> None:
    path = tmp_path / "film.toml"
    path.write_text('[[scene]]\nprompt = "a cat"')
    media = Media(path=path, mime="application/toml", sha256="0", bytes=1)
    assert Params(file=media).read_script().script == "a cat\n"
    path.write_bytes('[[scene]]\nprompt = "a café"'.encode("utf-16"))
    assert Params(file=media).read_script().script == "a café\n"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="file uses an unknown text encoding"):
        Params(file=media).read_script()


def test_a_cancel_in_the_middle_of_a_film_ends_it(studio: Studio) -> None:
    context = studio.context("scenes", "cancelled")
    params = Params(script="a cat\nseconds: 60\n\na dog\nseconds: 60", make="film").with_seed()
    cancelled = threading.Event()

    def work() -> None:
        with pytest.raises(Cancelled):
            TASKS["scenes"].run(params, context)
        cancelled.set()

    working = threading.Thread(target=work)
    working.start()
    while not any(told.stage.startswith("rendering") and told.fraction > 0.3 for told in studio.told):
        time.sleep(0.02)
    context.cancelled.set()
    assert cancelled.wait(CANCEL_SECONDS)
    working.join()


def test_a_killed_worker_goes_on_at_the_scene_it_had_reached(studio: Studio) -> None:
    """Kill -9 in scene 3 of 4; the job, run again, films neither the first nor the second anew."""
    script = "\n\n".join(f"a {fruit}\nseconds: 6" for fruit in ("red apple", "yellow lemon", "green pear", "blue plum"))
    params = Params(script=script, make="film").with_seed().model_dump(mode="json")
    told, done = _worked(studio, params, until=3)
    assert done is None
    again, done = _worked(studio, params, until=None)
    assert done is not None
    assert done["type"] == "done"
    assert {1, 2, 3} <= told
    assert again <= {3, 4}
    assert done["result"]["facts"]["length"] == pytest.approx(24, abs=0.1)


def _worked(studio: Studio, params: dict[str, Any], until: int | None) -> tuple[set[int], dict[str, Any] | None]:
    """The scenes that a real worker films of the job before it is killed in scene `until`, and how the job ends."""
    program = [sys.executable, "-m", "engine", "--folder", str(studio.folder), "--model", "imagine=pocket"]
    environment = os.environ | {"ATELIER_WEIGHTS": str(studio.weights)}
    filmed: set[int] = set()
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        run = {"type": "run", "job": "killed", "task": "scenes", "params": params}
        worker.stdin.write(json.dumps(run).encode() + b"\n")
        worker.stdin.flush()
        for line in worker.stdout:
            update = json.loads(line)
            if update["type"] in {"done", "failed"}:
                worker.stdin.close()
                worker.stdout.read()
                return filmed, update
            if update.get("stage", "").startswith("rendering scene"):
                filmed.add(update["facts"]["scene"])
                if until in filmed:
                    worker.send_signal(signal.SIGKILL)
                    return filmed, None
    return filmed, None
