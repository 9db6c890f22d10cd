"""/video with the real painter, voice, listener and FFmpeg: what comes out, and what is refused."""

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.core.errors import BadInput, Cancelled, TooLarge
from engine.core.job import Media
from engine.media.video import CancelOrTimeout, open_input, probe, run_pipeline
from engine.tasks.film.sound.mix import measure_loudness
from engine.tasks.film.video_task import Params
from engine.tasks.registry import TASKS
from engine.tasks.subtitle.files.reader import read_subtitles
from tests.engine.tasks.film.film_harness import Studio, seen
from tests.samples import astronaut
from tests.timing import CANCEL_SECONDS

SOUND = Media(path=Path("a.wav"), mime="audio/wav", sha256="0", bytes=1, seconds=3)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return Studio(tmp_path_factory.mktemp("studio"))


def test_a_picture_and_words_become_a_video_with_voice_and_subtitles(studio: Studio, tmp_path: Path) -> None:
    made = studio.make("video", image=studio.picture(), text="Night falls. The lamp is lit.", subtitles=True)
    film, srt = made.media
    found = probe(film.path, film.mime)
    assert found.video
    assert (found.video.width, found.video.height, found.video.codec) == (1280, 720, "h264")
    assert found.sound
    assert found.sound.codec == "aac"
    assert film.path.read_bytes().index(b"moov") < film.path.read_bytes().index(b"mdat")
    cues = read_subtitles(srt.path.read_bytes()).cues
    assert " ".join(cue.text for cue in cues).replace("\n", " ") == "Night falls. The lamp is lit."
    assert cues[-1].end <= found.seconds
    sound = tmp_path / "sound.wav"
    run_pipeline(
        open_input(film.path, film.mime)["a:0"].output(str(sound), f="wav", acodec="pcm_s16le"), CancelOrTimeout()
    )
    assert measure_loudness(sound, CancelOrTimeout())[0] == pytest.approx(-16, abs=1)
    assert made.facts["backend"] == "ffmpeg"
    assert "en_US" in str(made.facts["model"]) or "espeak" in str(made.facts["model"])


@pytest.mark.parametrize(("shape", "size"), [("square", (960, 960)), ("tall", (720, 1280))])
def test_a_prompt_is_drawn_and_moves_in_silence(studio: Studio, shape: str, size: tuple[int, int]) -> None:
    made = studio.make("video", prompt="a red apple", seconds=1, shape=shape, motion="zoom")
    found = probe(made.media[0].path, made.media[0].mime)
    assert found.video
    assert (found.video.width, found.video.height, found.video.frames) == (*size, 30)
    assert found.sound is None
    assert str(made.facts["backend"]) == "pocket + ffmpeg"
    assert made.facts["prompt"] == "a red apple"
    frames = seen(made.media[0])
    assert np.abs(frames[0].astype(int) - frames[-1]).mean() > 0.5


def test_a_sound_of_ones_own_gives_its_length_and_is_heard_for_subtitles(studio: Studio) -> None:
    spoken = studio.make("video", image=studio.picture(), text="We build a wooden chair, and paint it blue.")
    path = studio.folder / "speech.wav"
    run_pipeline(
        open_input(spoken.media[0].path, spoken.media[0].mime)["a:0"].output(str(path), f="wav", ar=16000),
        CancelOrTimeout(),
    )
    sound = studio.kept(path)
    made = studio.make("video", image=studio.picture(), audio=sound, subtitles=True)
    assert made.media[0].seconds == pytest.approx(sound.seconds, abs=0.05)
    assert "chair" in made.media[1].path.read_text()


def test_a_cancel_ends_it(studio: Studio) -> None:
    context = studio.context("video", "cancelled")
    params = Params(image=studio.picture(), seconds=60, motion="parallax").with_seed()
    failed: list[BaseException] = []

    def work() -> None:
        try:
            TASKS["video"].run(params, context)
        except Cancelled as error:
            failed.append(error)

    working = threading.Thread(target=work)
    working.start()
    while not any(told.stage == "rendering" for told in studio.told):
        time.sleep(0.02)
    context.cancelled.set()
    working.join(CANCEL_SECONDS)
    assert not working.is_alive()
    assert failed


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({}, "There is nothing to show"),
        ({"prompt": "a", "subtitles": True}, "Subtitles need something to write down"),
        ({"prompt": "a", "voice": "woman"}, "voice and language need text to speak"),
        ({"prompt": "a", "text": "b", "language": "ha"}, "No voice speaks the language “ha”"),
        ({"prompt": "a", "text": "b", "language": "en-"}, "No voice speaks the language “en-”"),
        (
            {"prompt": "a", "audio": SOUND, "subtitles": True, "language": "eo"},
            "Whisper doesn't know the language “eo”",
        ),
        ({"prompt": "a", "seconds": 61}, "seconds is 61; it must be at most 60"),
        ({"prompt": "a", "motion": "spin"}, "motion is “spin”; it must be one of"),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, Any], why: str) -> None:
    with pytest.raises(BadInput, match=why):
        Params.parse(options)


def test_a_recording_may_be_in_what_is_only_heard_and_a_text_in_what_is_only_spoken() -> None:
    heard = Params.parse({"prompt": "a", "audio": SOUND, "subtitles": True, "language": "ha"})
    assert heard.language == "ha"
    assert Params.parse({"prompt": "a", "audio": SOUND, "subtitles": True, "language": "pt-BR"}).language == "pt-br"
    for language in ("eo", "pt-br", "es-419", "fr-ch", "en-gb"):
        assert Params.parse({"prompt": "a", "text": "b", "language": language}).language == language


def test_an_hour_of_sound_is_refused() -> None:
    sound = Media(path=Path("a.wav"), mime="audio/wav", sha256="0", bytes=1, seconds=3600)
    with pytest.raises(TooLarge, match="The audio is 3,600 s long; the limit is 300 s"):
        Params.parse({"prompt": "a", "audio": sound})


def test_an_unknown_voice_is_refused_by_name(studio: Studio) -> None:
    with pytest.raises(BadInput, match=r"There is no voice “robot”\. Use one of man, woman"):
        studio.make("video", image=studio.picture(), text="Hello.", voice="robot")


def test_a_face_says_what_is_said(studio: Studio) -> None:
    path = studio.folder / "astronaut.png"
    Image.fromarray(np.asarray(astronaut())).save(path)
    made = studio.make("video", image=studio.kept(path), text="Hello there, all of you.", shape="square")
    assert "mesh" in str(made.facts["model"]).lower()
    frames = seen(made.media[0])
    faces = [frame[200:600, 250:650].astype(int) for frame in (frames[0], frames[10], frames[len(frames) // 2])]
    assert np.abs(faces[0] - faces[1]).mean() < np.abs(faces[0] - faces[2]).mean()
    with pytest.raises(BadInput, match="A talking portrait needs something to say"):
        Params.parse({"prompt": "a", "motion": "talk"})
