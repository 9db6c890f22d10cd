"""Check that SDXL is compiled although its weights leave the card again and again meanwhile.

python -m bench.gpu_parking [--model FOLDER]
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from structlog.testing import capture_logs

from bench.lib import gpu_device
from bench.lib.report import finish, say
from engine.core.settings import WorkerSettings
from engine.tasks.imagine.params import Params
from engine.tasks.imagine.sdxl.generator import SdxlGenerator

BUDGET = 15_000_000_000
MAX_SECONDS = 420.0
COMPILED_NETWORKS = 2
"""The UNet and the VAE, each for one shape."""


def draw_and_park(settings: WorkerSettings) -> int:
    """Draw, park and bring back until both networks are compiled. Return how often the weights left the card."""
    painter, rounds, started = SdxlGenerator(settings), 0, time.monotonic()
    compiler = painter._fast._compiler
    assert compiler is not None
    with capture_logs() as logs:
        while count(logs, "compiled") < COMPILED_NETWORKS and time.monotonic() - started < MAX_SECONDS:
            for seed in range(4):
                painter.generate(Params(prompt="a cat", seed=seed), lambda *_: None)
            while compiler.busy() and not compiler.timing():
                time.sleep(0.05)  # the weights are needed after what is compiled elsewhere
            time.sleep(0.4 * (rounds % 8))  # in the middle of it, and later each time
            assert painter.offload()
            painter.onload()
            rounds += 1
    say("seconds until both were compiled", time.monotonic() - started)
    for event in ("compiled", "compiling is put off: the weights left the device", "not compiled"):
        say(event, count(logs, event))
    for entry in logs:
        if entry["event"] == "not compiled":
            print(entry)
    painter.close()
    return rounds


def count(logs: Sequence[Mapping[str, Any]], event: str) -> int:
    return sum(entry["event"] == event for entry in logs)


def main() -> None:
    model = gpu_device.model_argument()
    if not gpu_device.has_gpu():
        return
    with gpu_device.studio(BUDGET, model) as settings:
        say("times that the weights left the card", draw_and_park(settings))
    finish()


if __name__ == "__main__":
    main()
