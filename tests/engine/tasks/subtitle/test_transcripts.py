"""Transcripts kept by what was heard."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from engine.tasks.subtitle.cues import Word
from engine.tasks.subtitle.transcripts import Transcripts
from engine.tasks.subtitle.whisper import Transcript

SAID = Transcript((Word("Hello", 0.0, 0.5),), "en", 0.9)


def test_a_transcript_is_found_by_its_file_its_model_its_language_and_its_task(tmp_path: Path) -> None:
    kept = Transcripts(tmp_path / "transcripts")
    kept.save(SAID, "ab", "base", None, "transcribe")
    assert kept.find("ab", "base", None, "transcribe") == SAID
    others = [("cd", "base", None), ("ab", "turbo", None), ("ab", "base", "en")]
    assert [kept.find(*other, "transcribe") for other in others] == [None] * 3
    assert kept.find("ab", "base", None, "translate") is None


def test_the_workers_of_two_devices_may_keep_one_at_once_while_old_ones_go(tmp_path: Path) -> None:
    kept = Transcripts(tmp_path)

    def keep(number: int) -> None:
        (tmp_path / f"old-{number}.json").write_text("{}")
        os.utime(tmp_path / f"old-{number}.json", (1, 1))
        kept.save(SAID, "ab", "base", None, "transcribe")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(keep, range(200)))
    kept.save(SAID, "ab", "base", None, "transcribe")
    assert [path.suffix for path in tmp_path.iterdir()] == [".json"]
    assert kept.find("ab", "base", None, "transcribe") == SAID
