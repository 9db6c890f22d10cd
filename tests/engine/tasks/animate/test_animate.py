"""/animate end to end in the embedded tier: real networks, real voices, and the output measured."""

import wave
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from engine.core.errors import BadInput, Cancelled, TooLarge
from engine.core.job import Media, Progress, Result
from engine.media import files as media
from engine.media import video
from engine.tasks import speech as voice
from engine.tasks.animate.audio_motion.speech_features import SAMPLE_RATE as HEARD
from engine.tasks.animate.params import Params
from engine.tasks.animate.render import FRAMES_PER_SECOND
from engine.tasks.animate.task import TASK
from engine.vision.faces.face import Face
from engine.vision.faces.reader import FaceReader
from engine.weights import registry
from engine.worker.context import Context
from tests.samples import astronaut, coffee, six
from tests.task_harness import TaskHarness

WORDS = "Hello there. I am a portrait that speaks, and this is what I sound like. It is quite a day today, is it not?"


class Bench(TaskHarness):
    """Portraits to speak, and speech."""

    def speech(self, text: str) -> Media:
        path = self.folder / "speech.wav"
        voice.save_wav(voice.Speaker(registry.FOLDER).speak(text, lambda: None), path)
        return media.keep(path, self.folder / "media")

    def make(self, picture: NDArray[np.uint8], **options: Any) -> Result:
        return TASK.run(Params(portrait=self.attach(picture), **options).with_seed(), self.context)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_WEIGHTS", str(registry.FOLDER.absolute()))
        made = Bench(TASK, tmp_path_factory.mktemp("animate"))
        yield made
        made.pool.free()


@pytest.fixture(scope="module")
def reader() -> FaceReader:
    return FaceReader(registry.FOLDER)


@dataclass(frozen=True)
class Film:
    """A made video: its frames, the face that the network sees in each, and the loudness of its sound by frame."""

    frames: list[NDArray[np.uint8]]
    faces: list[Face]
    loud: NDArray[np.float64]

    @classmethod
    def of(cls, made: Media, reader: FaceReader) -> "Film":
        stream = video.probe(made.path, made.mime).video
        assert stream
        frames = list(video.read_frames(made.path, made.mime, stream, video.CancelOrTimeout()))
        face = max(reader.find_faces(frames[0]), key=lambda one: one.area)
        faces = []
        for frame in frames:
            face = reader.track(frame, face) or face
            faces.append(face)
        samples = video.read_mono(made.path, made.mime, HEARD, video.CancelOrTimeout())
        hop = HEARD // FRAMES_PER_SECOND
        pieces = [samples[at * hop : (at + 1) * hop] for at in range(len(frames))]
        loud = np.array([float(np.sqrt((piece**2).mean())) if len(piece) else 0.0 for piece in pieces])
        return cls(frames, faces, np.convolve(loud, np.ones(3) / 3, "same"))

    @property
    def mouths(self) -> NDArray[np.float64]:
        return np.array([face.mouth_opening for face in self.faces])


@pytest.fixture(scope="module")
def spoken(bench: Bench) -> Result:
    return bench.make(astronaut(), text=WORDS)


@pytest.fixture(scope="module")
def film(spoken: Result, reader: FaceReader) -> Film:
    return Film.of(spoken.media[0], reader)


def test_a_text_becomes_a_video_of_the_picture_that_says_it(spoken: Result, film: Film) -> None:
    (made,) = spoken.media
    assert (made.mime, made.width, made.height) == ("video/mp4", 512, 512)
    assert made.seconds == pytest.approx(len(film.frames) / FRAMES_PER_SECOND, abs=0.1)
    facts = spoken.facts
    assert (facts["backend"], facts["tier"], facts["model"]) == ("mesh", "embedded", "mesh")
    assert (facts["voice"], facts["language"], facts["text"]) == ("en_US-joe-medium", "en", WORDS)
    assert video.probe(made.path, made.mime).sound
    assert not spoken.notes


def test_the_mouth_opens_with_the_loudness(film: Film) -> None:
    together = float(np.corrcoef(film.mouths, film.loud)[0, 1])
    print(f"lip sync: correlation {together:.2f}")  # noqa: T201  # a figure to be read
    assert together > 0.7


def test_mouths_of_the_output_open_visibly_and_shut_again(film: Film) -> None:
    assert film.mouths.max() - film.mouths.min() > 0.03


def test_the_face_moves_smoothly(film: Film) -> None:
    """Jitter: the second difference of points that no expression moves, as a share of the face's height."""
    points = np.array([face.points[[133, 362, 168, 1], :2] for face in film.faces])
    height = np.linalg.norm(film.faces[0].points[10, :2] - film.faces[0].points[152, :2])
    jitter = float(np.abs(np.diff(points, 2, axis=0)).mean() / height)
    swayed = float(np.ptp(points[:, 3, 0]) / height)
    print(f"jitter {jitter:.2%} of the face's height a frame, sway {swayed:.1%}")  # noqa: T201  # likewise
    assert jitter < 0.008
    assert swayed > 0.005


@pytest.mark.parametrize("degrees", [180, 90, 315])
def test_a_portrait_at_any_angle_moves_along_its_own_axes(bench: Bench, reader: FaceReader, degrees: int) -> None:
    """Turned back, the video is the upright portrait's: its mouth opens as far, at the same times."""
    image = Image.fromarray(astronaut()).rotate(-degrees, Image.Resampling.BICUBIC, center=(226, 226))
    speech = bench.speech("One, two, three.")
    turned, upright = (
        Film.of(bench.make(picture, audio=speech).media[0], reader) for picture in (np.asarray(image), astronaut())
    )
    assert float(np.corrcoef(turned.mouths, upright.mouths)[0, 1]) > 0.8
    assert np.ptp(turned.mouths) == pytest.approx(np.ptp(upright.mouths), rel=0.4)
    at = int(upright.mouths.argmax())
    back = Image.fromarray(turned.frames[at]).rotate(degrees, Image.Resampling.BICUBIC, center=(226, 226))
    face = np.s_[70:180, 180:275]
    away = np.abs(np.asarray(back)[face].astype(int) - upright.frames[at][face]).mean()
    assert away < 0.6 * np.abs(upright.frames[at][face].astype(int) - astronaut()[face]).mean() + 2


def test_what_is_far_from_the_head_stays_still(film: Film) -> None:
    first, last = (film.frames[at].astype(int) for at in (0, -1))
    far = np.abs(first - last)[300:, 350:]
    assert float(far.mean()) < 2


def test_a_recording_is_spoken_with_and_its_sound_is_kept(bench: Bench, reader: FaceReader) -> None:
    result = bench.make(astronaut(), audio=bench.speech("One, two, three, four."), style="calm", lip_zero=False)
    film = Film.of(result.media[0], reader)
    assert (result.facts["voice"], "text" in result.facts) == ("audio", False)
    assert float(np.corrcoef(film.mouths, film.loud)[0, 1]) > 0.6


def test_lip_zero_shuts_the_lips_of_a_smile_in_silence(bench: Bench, reader: FaceReader) -> None:
    silence = bench.folder / "silence.wav"
    with wave.open(str(silence), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16000)
        sound.writeframes(bytes(32000))
    kept = media.keep(silence, bench.folder / "media")
    shut, smiling = (
        Film.of(bench.make(astronaut(), audio=kept, lip_zero=lips).media[0], reader).mouths.mean()
        for lips in (True, False)
    )
    assert shut < 0.75 * smiling


def test_of_several_faces_the_largest_speaks_and_the_answer_says_so(bench: Bench) -> None:
    result = bench.make(six(), text="Hello.", language="en")
    assert "There are 6 faces. The largest one speaks." in [str(note) for note in result.notes]
    assert (result.media[0].width, result.media[0].height) == (1280, 886)


def test_without_a_face_the_picture_stays_still_under_waves_and_the_answer_says_so(bench: Bench) -> None:
    result = bench.make(coffee(), text="I am a cup of coffee.")
    (made,) = result.media
    assert (result.facts["model"], made.mime, made.width, made.height) == ("still", "video/mp4", 600, 400)
    assert "No face was found" in str(result.notes[0])
    found = video.probe(made.path, made.mime)
    assert found.sound
    assert found.video
    frames = list(video.read_frames(made.path, made.mime, found.video, video.CancelOrTimeout()))
    top = np.abs(frames[2][:200].astype(int) - frames[len(frames) // 2][:200]).mean()
    waves = np.abs(frames[2][310:].astype(int) - frames[len(frames) // 2][310:]).mean()
    assert top < 2 < waves


def test_pictures_of_odd_sides_and_with_alpha_are_taken(bench: Bench) -> None:
    cut = astronaut()[10:301, 100:401]
    seen = np.dstack([cut, np.full(cut.shape[:2], 255, np.uint8)])
    (made,) = bench.make(seen, text="Hi.", language="en").media
    assert (made.width, made.height) == (302, 292)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "Type text or attach audio, not both"),
        ({"text": "Hi", "voice": "nobody"}, "There is no voice “nobody”. Use one of"),
        ({"text": "Hi", "language": "klingon"}, "No voice speaks the language “klingon”"),
        ({"text": "..."}, "There is nothing to say in this text"),
        ({"text": "Hi", "style": "wild"}, "style"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(bench: Bench, options: dict[str, Any], told: str) -> None:
    with pytest.raises((BadInput, ValueError)) as refused:
        bench.make(astronaut(), **options)
    assert told in str(refused.value)


def test_a_damaged_picture_is_refused(bench: Bench) -> None:
    whole = bench.attach(astronaut())
    cut = media.keep(whole.path.read_bytes()[:9000], bench.folder / "media")
    with pytest.raises(BadInput, match="portrait is damaged"):
        TASK.run(Params(portrait=cut, text="Hi"), bench.context)


@pytest.mark.parametrize("size", [(1, 10_000), (10_000, 1), (2, 3)])
def test_a_strip_stays_still_under_waves(bench: Bench, size: tuple[int, int]) -> None:
    (made,) = bench.make(np.full((size[1], size[0], 3), 120, np.uint8), text="Hi.").media
    assert made.mime == "video/mp4"
    assert max(made.width or 0, made.height or 0) <= 1920


def test_a_sound_that_is_too_long_is_refused(bench: Bench) -> None:
    long = bench.folder / "long.wav"
    with wave.open(str(long), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(2000)
        sound.writeframes(bytes(2000 * 301))
    with pytest.raises(TooLarge, match="the limit is 300 s"):
        bench.make(astronaut(), audio=media.keep(long, bench.folder / "media"))


def test_a_cancel_ends_it_in_the_middle(bench: Bench) -> None:
    def emit(progress: Progress) -> None:
        if progress.stage == "animating":
            context.cancelled.set()

    context = Context("other", bench.folder, bench.pool, bench.context.service, emit)
    with pytest.raises(Cancelled):
        TASK.run(Params(portrait=bench.attach(astronaut()), text=WORDS), context)


@pytest.mark.usefixtures("spoken")
def test_progress_grows_and_shows_pictures(bench: Bench) -> None:
    fractions = [one.fraction for one in bench.told if one.stage == "animating"]
    assert fractions[-1] > 0.5
    assert any(one.preview for one in bench.told)
