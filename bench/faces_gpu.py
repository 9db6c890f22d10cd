"""Compare the full tier's swap in 1080p frames with InsightFace's own `swapper.get(..., paste_back=True)`.

The network has inswapper_128's shape and random weights. Both sides run it with the same torch session, so that they
differ only in what surrounds it. A frame is measured alone, and as one of many, where the next one starts before the
last one is finished, as in the task. Our time is then broken down by stage and by the profiler. `--channels 16 --blocks
1` makes the network small, for a CPU. Goal on one H100: 5 times as fast. Figures are medians.
"""

import argparse
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import torch
from numpy.typing import NDArray

from engine.tasks.faceswap.inswapper import paste
from engine.tasks.faceswap.inswapper.swapper import InsightSwapper, Inswapper, Pending, begin, place_crop
from engine.torch_support.onnx import TorchSession
from engine.torch_support.transfer import AsyncCopy, array_to_device
from tests import tiny_faces

warnings.filterwarnings("ignore", "`estimate` is deprecated", FutureWarning)  # InsightFace's own alignment
Picture = NDArray[np.uint8]
Tensor = Any  # torch.Tensor, of which the types are Any here

MARKS = np.array([[204, 103], [246, 104], [225, 125], [208, 143], [244, 143]], np.float32)
SIZES = (1.5, 3.0, 5.0)
"""How many times as large as in a picture of 512 x 512 the face is: about 160, 310 and 520 pixels high."""
HEIGHT = 104


def wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def median_ms(work: Callable[[], Any], turns: int) -> float:
    """Return the median milliseconds of `work`."""
    for _ in range(5):
        work()
    spent = []
    for _ in range(turns):
        wait()
        started = time.perf_counter()
        work()
        wait()
        spent.append(time.perf_counter() - started)
    return 1000 * statistics.median(spent)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--channels", type=int, default=1024, help="of the network's middle; inswapper_128 has 1024")
    parser.add_argument("--blocks", type=int, default=6)
    parser.add_argument("--turns", type=int, default=30)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        path = tiny_faces.inswapper(Path(place) / "inswapper_128.onnx", given.channels, given.blocks)
        network = Inswapper(path, given.device)
        latent, embedding = identity(network)
        measure_network(network, latent, given.turns)
        same(network, latent)
        compare(path, network, latent, embedding, given.turns)
        stages(network, latent, given.turns)
        print_profile(network, latent)
        measure_tracking(Path(place), given.device, given.turns)


def identity(network: Inswapper) -> tuple[Tensor, NDArray[np.float32]]:
    """Return a random identity as a latent and as an embedding."""
    embedding = np.random.default_rng(1).standard_normal(512).astype(np.float32)
    return network.to_latent(embedding / np.linalg.norm(embedding)), embedding


def frame() -> Picture:
    return np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), np.uint8)


def marks_of(size: float) -> NDArray[np.float32]:
    return MARKS * np.float32(size) + np.array([400, 100], np.float32)


def measure_network(network: Inswapper, latent: Tensor, turns: int) -> None:
    """Print the time of the network alone."""
    name = torch.cuda.get_device_name() if network.device.type == "cuda" else "CPU"
    crop = torch.rand(1, 3, 128, 128, device=network.device)
    session: Any = network._session
    session._recorder.disabled = True
    plain = median_ms(lambda: network.swap(crop, latent), turns)
    session._recorder.disabled = False
    recorded = median_ms(lambda: network.swap(crop, latent), turns)
    print(f"{name}, network of {network.bytes / 1e6:.0f} MB alone: {plain:.2f} ms, recorded {recorded:.2f} ms\n")


def same(network: Inswapper, latent: Tensor) -> None:
    """Print how far the recorded network's levels are from those without a recording."""
    made = {}
    for road in ("recorded", "plain"):
        network._session._recorder.disabled = road == "plain"
        made[road] = frame()
        for place in (place_crop(marks_of(size), made[road]) for size in SIZES[::2]):
            assert place
            begin(network, latent, made[road], place, 1.0).finish()
    network._session._recorder.disabled = False
    apart = np.abs(made["recorded"].astype(int) - made["plain"])
    print(f"recorded against launched one by one: at most {apart.max()} levels apart, {apart.mean():.5f} on average\n")


def compare(path: Path, network: Inswapper, latent: Tensor, embedding: NDArray[np.float32], turns: int) -> None:
    """Print our times and InsightFace's, by size of the face."""
    from insightface.app.common import Face
    from insightface.model_zoo.inswapper import INSwapper

    peer, source = INSwapper(str(path), TorchSession(path, str(network.device))), Face(embedding=embedding)
    heads = ("theirs ms", "ours ms", "ratio", "theirs f/s", "ours f/s", "ratio")
    print(f"{'1920 x 1080':<18}" + "".join(f"{head:>11}" for head in heads))
    picture = frame()
    for size in SIZES:
        marks = marks_of(size)
        target = Face(kps=marks)
        theirs = median_ms(lambda: peer.get(picture, target, source, paste_back=True), turns)  # noqa: B023
        ours = median_ms(lambda: one(network, latent, picture, marks), turns)  # noqa: B023
        rate = many(network, latent, picture, marks, 4 * turns)
        told = f"{round(size * HEIGHT)} pixels high"
        figures = (theirs, ours, theirs / ours, 1000 / theirs, rate, rate * theirs / 1000)
        print(f"{told:<18}" + "".join(f"{figure:>11.2f}" for figure in figures))


def one(network: Inswapper, latent: Tensor, picture: Picture, marks: NDArray[np.float32]) -> None:
    start_swap(network, latent, picture, marks).finish()


def start_swap(network: Inswapper, latent: Tensor, picture: Picture, marks: NDArray[np.float32]) -> Pending:
    """Start a swap without waiting for it."""
    place = place_crop(marks, picture)
    assert place
    pending: Pending = begin(network, latent, picture, place, 1.0)
    return pending


def many(network: Inswapper, latent: Tensor, picture: Picture, marks: NDArray[np.float32], count: int) -> float:
    """Return frames per second when the next frame starts before the last one is finished."""
    pictures = [picture.copy() for _ in range(4)]
    started = time.perf_counter()
    before: Pending | None = None
    for number in range(count):
        pending = start_swap(network, latent, pictures[number % 4], marks)
        if before:
            before.finish()
        before = pending
    assert before
    before.finish()
    return count / (time.perf_counter() - started)


def stages(network: Inswapper, latent: Tensor, turns: int) -> None:
    """Print, for each stage of a frame, the time until it is launched and the time until the device has finished it."""
    print(f"\n{'a face of ' + str(round(SIZES[-1] * HEIGHT)) + ' pixels':<28} {'launched ms':>12} {'done ms':>9}")
    picture, marks = frame(), marks_of(SIZES[-1])
    launched: dict[str, list[float]] = {}
    done: dict[str, list[float]] = {}
    for _ in range(turns):
        for times, settle in ((launched, int), (done, wait)):
            wait()
            started = time.perf_counter()
            with torch.inference_mode():
                for name in stage(network, latent, picture, marks):
                    settle()
                    times.setdefault(name, []).append(time.perf_counter() - started)
                    started = time.perf_counter()
    for name, spent in launched.items():
        print(f"{name:<28} {1000 * statistics.median(spent):>12.3f} {1000 * statistics.median(done[name]):>9.3f}")


def stage(network: Inswapper, latent: Tensor, picture: Picture, marks: NDArray[np.float32]) -> Iterator[str]:
    """Run a swap and yield the name of each stage after it."""
    place = place_crop(marks, picture)
    assert place
    yield "align (CPU)"
    box = array_to_device(place.of_picture(picture), network.device).permute(2, 0, 1)[None] * (1 / 255)
    yield "upload of the box"
    out, back = place.sampling_grids(network.device)
    yield "the two ways"
    before = paste.upright(box, out)
    yield "upright"
    after = network.swap(before, latent)
    yield "network"
    after = paste.match_colours(after, before)
    yield "colours"
    made = paste.paste_back(after, box, back, 1.0).mul_(255).add_(0.5).clamp_(0, 255).byte()
    yield "mask and blend"
    coming = AsyncCopy(made[0].permute(1, 2, 0).contiguous())
    yield "download is begun"
    coming.result()
    yield "download is waited for"
    place.of_picture(picture)[...] = coming.result()
    yield "into the frame (CPU)"


def print_profile(network: Inswapper, latent: Tensor) -> None:
    """Print the profiler's table of ten swaps."""
    from torch.profiler import ProfilerActivity, profile

    card = network.device.type == "cuda"
    picture, marks = frame(), marks_of(SIZES[-1])
    with profile(activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if card else [])]) as seen:
        for _ in range(10):
            one(network, latent, picture, marks)
    keys = ("self_cuda_time_total", "self_cpu_time_total") if card else ("self_cpu_time_total",)
    for key in keys:
        print("\n" + seen.key_averages().table(sort_by=key, row_limit=14, max_name_column_width=60))


def measure_tracking(folder: Path, device: str, turns: int) -> None:
    """Print the time of a frame in which a face is also detected and tracked, by a small detector."""
    from engine.tasks.faceswap.face_selection import FaceSelection
    from engine.tasks.faceswap.frame_swap import FrameSwap
    from engine.tasks.faceswap.tracking import Tracker

    tiny_faces.detector(folder / "buffalo_l" / "det_10g.onnx")
    tiny_faces.recogniser(folder / "buffalo_l" / "w600k_r50.onnx")
    swapper = InsightSwapper(folder, device)
    picture = np.full((1080, 1920, 3), 128, np.uint8)
    picture[480:576, 864:960] = (20, 250, 20)
    faces = swapper.detect_fast(picture)
    latent, tracker = swapper.identity(picture, faces[0]), Tracker(swapper, FaceSelection(), faces, 25)
    spent = {"a frame copied, looked through and swapped": 0.0, "looked through alone": 0.0}
    before: FrameSwap | None = None
    for number in range(-5, turns):
        started, seen = time.perf_counter(), picture.copy()
        swapping = FrameSwap(swapper, seen, 1.0, fine=False)
        for _, face in tracker.step(seen):
            swapping.begin(latent, face)
        if before:
            before.finish()
        before, whole = swapping, time.perf_counter() - started
        if number >= 0:
            spent["a frame copied, looked through and swapped"] += whole
    for _ in range(turns):
        seen, started = picture.copy(), time.perf_counter()
        swapper.detect_fast(seen)
        spent["looked through alone"] += time.perf_counter() - started
    print()
    for name, total in spent.items():
        print(f"{name:<46} {1000 * total / turns:>8.2f} ms {turns / total:>8.1f} f/s")


if __name__ == "__main__":
    main()
