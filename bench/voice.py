"""Measure narration: the milliseconds for a scene's text with the voice kept loaded, and loaded for each scene.

Run it with `scripts/bench voice`. Figures are medians over ROUNDS. Both speak the same text in turn.
"""

import os
import statistics
import time
from pathlib import Path

from engine.tasks.speech import Speaker
from engine.weights.registry import weights_folder

ROUNDS = int(os.environ.get("ROUNDS", "5"))
WORDS = "Only the cat keeps watch. She has seen a thousand ships go by."


def main() -> None:
    """Measure and print both."""
    place = weights_folder(Path("data"))
    held = Speaker(place)
    measure_speech(held)
    kept, anew = list[float](), list[float]()
    for _ in range(ROUNDS):
        kept.append(measure_speech(held))
        anew.append(measure_speech(Speaker(place)))
    print(f"a scene of {len(WORDS)} letters on {os.cpu_count()} cores, median of {ROUNDS}")
    print(f"  voice kept loaded      {statistics.median(kept):6.0f} ms")
    print(f"  loaded for each scene  {statistics.median(anew):6.0f} ms")


def measure_speech(speaker: Speaker) -> float:
    started = time.monotonic()
    speaker.speak(WORDS, lambda: None)
    return (time.monotonic() - started) * 1000


if __name__ == "__main__":
    main()
