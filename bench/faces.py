"""Measure faces on the CPU: a swap in a picture of one megapixel, and face reading compared with the networks alone.

Goals: a swap in under 1.5 s, and reading in at most twice the networks' own time. The peer of the swap is the method of
OpenCV's tutorials on the same points: one warp per triangle, then cv2.seamlessClone. Figures are medians of alternating
turns in processor time, which other programs disturb least. The whole task is measured in wall time.
"""

import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.core.settings import WorkerSettings
from engine.media.files import keep
from engine.tasks.faceswap.mesh.texture import Texture, put
from engine.tasks.faceswap.mesh.warp import triangles
from engine.tasks.faceswap.params import Params
from engine.tasks.faceswap.task import TASK
from engine.vision.faces.face import Face
from engine.vision.faces.reader import WEIGHT, FaceReader
from engine.weights import registry
from engine.worker.context import Context
from engine.worker.model_pool import Pool
from tests import samples

Picture = NDArray[np.uint8]
TURNS = 15


def time_in_turns(*works: Callable[[], Any], turns: int = TURNS) -> list[float]:
    """Return the median milliseconds of each function, measured in turns."""
    spent: list[list[float]] = [[] for _ in works]
    for turn in range(turns + 1):
        for work, times in zip(works, spent, strict=True):
            started = time.process_time()
            work()
            if turn:
                times.append(time.process_time() - started)
    return [1000 * statistics.median(times) for times in spent]


def resize(picture: Picture, width: int, height: int) -> Picture:
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def tutorial(source: Picture, own: Face, target: Picture, face: Face) -> Picture:
    """Swap as OpenCV's tutorials do: warp each triangle separately, then clone with Poisson blending."""
    mesh, bent = triangles(own), np.zeros_like(target)
    for corners in mesh:
        here, there = own.points[corners, :2], face.points[corners, :2]
        x, y, wide, high = cv2.boundingRect(there)
        x, y = max(0, x), max(0, y)
        move = cv2.getAffineTransform(here, there - np.array([x, y], np.float32))
        warped = cv2.warpAffine(source, move, (wide, high), borderMode=cv2.BORDER_REFLECT_101)
        mask = np.zeros((high, wide, 1), np.uint8)
        cv2.fillConvexPoly(mask, (there - [x, y]).astype(np.int32), 1)
        part = bent[y : y + high, x : x + wide]
        part[...] = np.where(mask[: part.shape[0], : part.shape[1]], warped[: part.shape[0], : part.shape[1]], part)
    hull = cv2.convexHull(face.points[:, :2].astype(np.int32))
    whole = np.zeros(target.shape[:2], np.uint8)
    cv2.fillConvexPoly(whole, hull, 255)
    x, y, wide, high = cv2.boundingRect(hull)
    return np.asarray(cv2.seamlessClone(bent, target, whole, (x + wide // 2, y + high // 2), cv2.NORMAL_CLONE))


def swaps(reader: FaceReader) -> None:
    """Compare our swap with the tutorial's."""
    source, target = resize(samples.six()[200:480, 380:660], 800, 800), resize(samples.astronaut(), 1000, 1000)
    (own,), (face,) = reader.find_faces(source), reader.find_faces(target)
    texture = Texture.of(source, own, reader.find_faces)
    ours, theirs = time_in_turns(
        lambda: put(texture, target.copy(), face, 1.0), lambda: tutorial(source, own, target, face), turns=9
    )
    print(f"{'1 megapixel, a face of ' + str(round(face.box[2] - face.box[0])) + ' pixels':<44} {'ms':>8}")
    print(f"{'the whole task, PNG in and PNG out':<44} {whole_task(source, target):>8.1f}")
    print(f"{'the face alone, ours':<44} {ours:>8.1f}")
    print(f"{'the face alone, tutorial with seamlessClone':<44} {theirs:>8.1f}")


def whole_task(source: Picture, target: Picture) -> float:
    """Return the median milliseconds of the whole task."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        settings = WorkerSettings(folder=folder, memory=10**9, models={"faceswap": "mesh"})
        assert TASK.load is not None
        load = TASK.load
        pool = Pool(10**9, {"faceswap": lambda: load(settings)})
        context = Context("bench", folder, pool, TASK.choose(settings), lambda _: None)
        files = []
        for picture in (source, target):
            held = io.BytesIO()
            Image.fromarray(picture).save(held, "PNG")
            files.append(keep(held.getvalue(), folder / "media"))
        spent = []
        for _ in range(8):
            started = time.perf_counter()
            TASK.run(Params(source=files[0], target=files[1]), context)
            spent.append(time.perf_counter() - started)
        return 1000 * statistics.median(spent[1:])


def bare(name: str) -> Callable[[], Any]:
    """Return a function that runs only the network of this file."""
    from ai_edge_litert.interpreter import Interpreter

    network: Any = Interpreter(str(registry.path_or_raise(WEIGHT, registry.FOLDER) / name), num_threads=1)
    network.allocate_tensors()
    given = network.get_input_details()[0]
    network.set_tensor(given["index"], np.random.default_rng(0).random(given["shape"], np.float32))
    found: Callable[[], Any] = network.invoke
    return found


def readings() -> None:
    """Compare our face reading with the networks alone."""
    cv2.setNumThreads(1)
    reader = FaceReader(registry.FOLDER, 1)
    find, read = bare("face_detection_back.tflite"), bare("face_landmark.tflite")
    print(f"\n{'one thread':<44} {'ms':>8} {'bare ms':>8} {'ratio':>6}")
    for width, height in ((512, 512), (1280, 720), (1920, 1080)):
        side = min(width, height)
        frame = np.full((height, width, 3), 128, np.uint8)
        left = (width - side) // 2
        frame[:, left : left + side] = resize(samples.astronaut(), side, side)
        (face,) = reader.faces(frame)
        whole, again, finding, reading = time_in_turns(
            lambda: reader.faces(frame),  # noqa: B023
            lambda: reader.track(frame, face),  # noqa: B023
            find,
            read,
            turns=60,
        )
        floors = {"found, and read twice": (whole, finding + 2 * reading), "followed": (again, reading)}
        for what, (spent, floor) in floors.items():
            print(f"{f'{width} x {height}, {what}':<44} {spent:>8.2f} {floor:>8.2f} {spent / floor:>6.2f}")


if __name__ == "__main__":
    swaps(FaceReader(registry.FOLDER))
    readings()
