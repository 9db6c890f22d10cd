"""Narration: milliseconds for a scene's words with the voice kept loaded, and with it loaded for each scene.

Run by `scripts/bench voice`. Medians over ROUNDS; the peers take turns on the same words.
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
    """Both roads."""
    place = weights_folder(Path("data"))
    held = Speaker(place)
    spoken(held)
    kept, anew = list[float](), list[float]()
    for _ in range(ROUNDS):
        kept.append(spoken(held))
        anew.append(spoken(Speaker(place)))
    print(f"a scene of {len(WORDS)} letters on {os.cpu_count()} cores, median of {ROUNDS}")
    print(f"  voice kept loaded      {statistics.median(kept):6.0f} ms")
    print(f"  loaded for each scene  {statistics.median(anew):6.0f} ms")


def spoken(speaker: Speaker) -> float:
    begun = time.monotonic()
    speaker.speak(WORDS, lambda: None)
    return (time.monotonic() - begun) * 1000


if __name__ == "__main__":
    main()
