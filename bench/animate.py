"""Measure how fast a portrait is animated on the CPU, how well its lips follow the audio, and how steady its face is.

Goals: at least 12 frames per second at 512 px on two cores, and a correlation over 0.7 between the opening of the mouth
and the loudness. The lower bound is the encoder alone, which writes the same number of equal frames as a video.
"""

import os
import statistics
import time
from itertools import repeat
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from engine.media import video
from engine.tasks import speech as voice
from engine.tasks.animate.audio_motion.motion import Motion, from_speech
from engine.tasks.animate.audio_motion.speech_features import SAMPLE_RATE as HEARD
from engine.tasks.animate.audio_motion.speech_features import SpeechFeatures, extract
from engine.tasks.animate.mesh.animator import MeshAnimator
from engine.tasks.animate.options import AnimationOptions
from engine.tasks.animate.render import FRAMES_PER_SECOND
from engine.vision.faces.reader import FaceReader
from engine.weights import registry
from tests.samples import astronaut

Picture = NDArray[np.uint8]

SAID = "Hello there. I am a portrait that speaks, and this is what I sound like. It is quite a day today, is it not?"
TURNS = 3
CORES = {0, 1}


def portraits() -> dict[str, Picture]:
    """Return the whole picture, whose face is small, and the head alone, enlarged to the same size."""
    import cv2

    whole = astronaut()
    return {
        "small face": whole,
        "large face": cv2.resize(whole[20:260, 105:345], (512, 512), interpolation=cv2.INTER_CUBIC),
    }


def speech(folder: Path) -> tuple[Path, SpeechFeatures]:
    """Synthesise speech and extract its features."""
    path = folder / "said.wav"
    voice.save_wav(voice.Speaker(registry.FOLDER).speak(SAID, lambda: None), path)
    return path, extract(video.read_mono(path, "audio/wav", HEARD, video.CancelOrTimeout()), FRAMES_PER_SECOND)


def rate(count: int, started: float) -> float:
    return count / (time.perf_counter() - started)


def measure_animation(painter: MeshAnimator, picture: Picture, motion: Motion, sound: Path, path: Path) -> float:
    """Return the frames per second of the whole pipeline without loading and speech analysis."""
    started = time.perf_counter()
    face = max(painter.faces(picture), key=lambda one: one.area)
    frames = painter.frames(picture, face, motion, AnimationOptions(lip_zero=True, eyes=True, stitching=True))
    found = video.probe(sound, "audio/wav")
    video.write_frames(frames, path, FRAMES_PER_SECOND, video.CancelOrTimeout(), (sound, "audio/wav", found))
    return rate(len(motion), started)


def measure_encoder(picture: Picture, count: int, path: Path) -> float:
    """Return the frames per second of the encoder alone."""
    started = time.perf_counter()
    video.write_frames(repeat(picture, count), path, FRAMES_PER_SECOND, video.CancelOrTimeout())
    return rate(count, started)


def measure_quality(path: Path, reader: FaceReader) -> tuple[float, float]:
    """Return the correlation of mouth and loudness, and the jitter per frame in per cent of the face's height."""
    stream = video.probe(path, "video/mp4").video
    assert stream
    frames = video.read_frames(path, "video/mp4", stream, video.CancelOrTimeout())
    first = next(frames)
    face = max(reader.find_faces(first), key=lambda one: one.area)
    faces = [face]
    for frame in frames:
        face = reader.track(frame, face) or face
        faces.append(face)
    samples = video.read_mono(path, "video/mp4", HEARD, video.CancelOrTimeout())
    hop = HEARD // FRAMES_PER_SECOND
    pieces = [samples[at * hop : (at + 1) * hop] for at in range(len(faces))]
    loud = np.array([float(np.sqrt((piece**2).mean())) if len(piece) else 0.0 for piece in pieces])
    mouths = np.array([one.mouth_opening for one in faces])
    points = np.array([one.points[[133, 362, 168, 1], :2] for one in faces])
    height = float(np.linalg.norm(faces[0].points[10, :2] - faces[0].points[152, :2]))
    together = float(np.corrcoef(mouths, np.convolve(loud, np.ones(3) / 3, "same"))[0, 1])
    return together, float(np.abs(np.diff(points, 2, axis=0)).mean()) / height * 100


def main() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, CORES & os.sched_getaffinity(0) or os.sched_getaffinity(0))
    painter, reader = MeshAnimator(registry.FOLDER), FaceReader(registry.FOLDER)
    print("512 x 512         frames/s   encoder alone   lip sync   jitter")
    with TemporaryDirectory() as place:
        folder = Path(place)
        sound, heard = speech(folder)
        motion = from_speech(heard, FRAMES_PER_SECOND, "natural", 1)
        for name, picture in portraits().items():
            path = folder / "made.mp4"
            ours = statistics.median(measure_animation(painter, picture, motion, sound, path) for _ in range(TURNS))
            floor = statistics.median(measure_encoder(picture, len(motion), folder / "still.mp4") for _ in range(TURNS))
            together, jitter = measure_quality(path, reader)
            print(f"{name:16}  {ours:8.1f}   {floor:13.1f}   {together:8.2f}   {jitter:.2f} %")


if __name__ == "__main__":
    main()
