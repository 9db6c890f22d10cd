"""Score a run over several sampling seeds, and write the table of all runs."""

import json
from collections.abc import Mapping
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from training.pocket import evaluate, prompts
from training.pocket.evaluate import Artist, Judge

SEEDS = (0, 10_000, 20_000)
KINDS = ("objects", "compositions", "Spanish")
Row = Mapping[str, Any]


def captions_and_labels() -> dict[str, tuple[list[str], list[str]]]:
    """Return, by kind, the captions to draw and the labels that the judge should give them."""
    composed = list(prompts.COMPOSITIONS)
    spanish, english = [f"un {es}" for _, es in prompts.SPANISH], [f"a {en}" for en, _ in prompts.SPANISH]
    return dict(
        zip(KINDS, ((evaluate.SINGLES, evaluate.SINGLES), (composed, composed), (spanish, english)), strict=True)
    )


def score(artist: Artist, judge: Judge, every: int) -> dict[str, list[float]]:
    """Return top-1 and top-5 accuracy in per cent by kind, one value per seed, for every ``every``-th prompt."""
    found: dict[str, list[float]] = {}
    for kind, (said, wanted) in captions_and_labels().items():
        for seed in SEEDS:
            ranks = judge.ranks(artist.draw(said[::every], seed), wanted[::every])
            for top, share in evaluate.shares(ranks).items():
                found.setdefault(f"{kind} {top}", []).append(share)
    return found


def cell(row: Row, kind: str) -> str:
    """Return the means of both figures as text, with their standard deviations over the seeds."""
    parts = [row.get(f"{kind} {top}") for top in ("top1", "top5")]
    return " / ".join(f"{mean(p):.1f} ±{stdev(p) if len(p) > 1 else 0:.1f}" for p in parts if p)


def lines(rows: Mapping[str, Row]) -> list[str]:
    """Return the table in Markdown, line by line."""
    head = ["left out", "passes", "pictures", *KINDS, "note"]
    made = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name, row in rows.items():
        told = [str(row.get("passes", "")), f"{row['pictures']:,}" if "pictures" in row else ""]
        made.append("| " + " | ".join([name, *told, *(cell(row, kind) for kind in KINDS), row.get("note", "")]) + " |")
    return made


def write(rows: Mapping[str, Row], out: Path) -> None:
    """Write OUT/table.json and OUT/table.md. This is called after every run, so that an early end loses nothing."""
    for name, text in (("table.json", json.dumps(rows, indent=1)), ("table.md", "\n".join(lines(rows)) + "\n")):
        (out / f"{name}.new").write_text(text, "utf-8")
        (out / f"{name}.new").replace(out / name)
