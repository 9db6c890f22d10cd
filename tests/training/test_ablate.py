import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from training.pocket import pictures, pool  # noqa: E402
from training.pocket.ablate import pools, runs, small, table  # noqa: E402


@pytest.fixture
def carried(tmp_path: Path, pack: Path, manifest: dict[str, Any], rgba: NDArray[np.uint8]) -> Path:
    """The tests' pack, made small enough to carry."""
    folder = tmp_path / "small"
    folder.mkdir()
    named = {code: c | {"published": [[f"{c['label']} emoji", 1.0]]} for code, c in manifest["concepts"].items()}
    small.write(folder, manifest | {"concepts": named}, rgba)
    for name in ("tokenizer.json", "text.safetensors"):
        shutil.copy(pack / name, folder / name)
    return folder


def test_an_icon_comes_out_of_the_atlas_as_it_went_in(carried: Path, tmp_path: Path, rgba: NDArray[np.uint8]) -> None:
    small.unpack(carried, tmp_path / "pack")
    icons = pictures.icons(tmp_path / "pack", 1)
    assert icons.shape == (6, 64, 64, 4)
    assert np.abs(icons.astype(int)[:, 20:44, 20:44] - rgba[:, 40:88:2, 40:88:2]).max() < 12
    assert not icons[:, :12].any()


def test_a_variant_undoes_its_change_and_no_other(carried: Path) -> None:
    undone = {v.name: pools.manifest(carried, v) for v in pools.VARIANTS}
    whole = undone["nothing"]
    assert undone["mended captions"]["concepts"]["1"]["en"] == [["cat face emoji", 1.0]]
    assert undone["mended captions"]["icons"] == whole["icons"]
    assert undone["Spanish captions"] == undone["scenes and compositions"] == whole


def test_a_concepts_weight_is_divided_among_the_icons_that_are_left() -> None:
    icons = [{"concept": "1", "w": 0.2}, {"concept": "1", "w": 0.3}, {"concept": "2", "w": 1.0}]
    small.share(icons, {"1": {"weight": 2.0}, "2": {"weight": 3.0}})
    assert [icon["w"] for icon in icons] == pytest.approx([0.8, 1.2, 3.0])


def test_a_plain_pool_shows_one_object_and_no_pool_without_spanish_speaks_it(
    manifest: dict[str, Any], rgba: NDArray[np.uint8], pack: Path
) -> None:
    made = pool.make(pack, manifest, rgba, count=40, seed=1, plain=True, spanish=0.0)
    gato = 200 + 6
    assert ((made.recipes.icons >= 0).sum(1) == 1).all()
    assert not (made.ids == gato).any()


def test_a_pool_that_nobody_makes_is_not_waited_for(tmp_path: Path) -> None:
    maker = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(ChildProcessError, match=r"exited with 3 before 0\.pt"):
        pools.wait_for_pool(tmp_path / "0.pt", maker, 60)


def test_a_pool_that_is_late_is_not_waited_for(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as maker:
        with pytest.raises(TimeoutError, match=r"no 0\.pt after 0 s"):
            pools.wait_for_pool(tmp_path / "0.pt", maker, 0.2)
        maker.communicate(b"\n")


def test_a_figure_shows_its_noise() -> None:
    row = {"passes": 24, "pictures": 12_000, "objects top1": [50.0, 52.0, 54.0], "objects top5": [70.0, 70.0, 70.0]}
    assert table.lines({"nothing": row})[-1] == "| nothing | 24 | 12,000 | 52.0 ±2.0 / 70.0 ±0.0 |  |  |  |"


def arguments_of(carried: Path, out: Path, work: Path, **more: Any) -> argparse.Namespace:
    given = {"small": carried, "out": out, "work": work, "total": 500.0, "judge": 0.1, "compile": 0.0, "wait": 120.0,
             "scoring": 1.0, "least": 0.0, "pool": 8, "batch": 2, "judge_batch": 4, "every": 50, "steps": 1,
             "narrow": True, "only": range(len(pools.VARIANTS))}  # fmt: skip
    return argparse.Namespace(**given | more)


@pytest.mark.timeout(600)  # torch loads half of itself for its first optimiser
def test_every_variant_is_run_to_the_end_of_the_table(carried: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    runs.run(arguments_of(carried, out, tmp_path / "work"))
    rows = json.loads((out / "table.json").read_text())
    assert {v.name for v in pools.VARIANTS} < set(rows)
    for name, row in rows.items():
        assert "note" not in row
        assert len(row["objects top1"]) == (1 if name.startswith("real") else 3)
    assert rows["nothing"]["passes"] == 24
    assert rows["guidance"]["passes"] == rows["guidance, distilled"]["passes"] == 12
    assert rows["guidance, distilled"]["pictures"] == 2 * rows["nothing"]["pictures"]
    assert (out / "table.md").read_text().count("\n") == len(rows) + 2


@pytest.mark.timeout(600)
def test_a_run_that_finds_no_time_is_a_row_that_says_so(carried: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    runs.run(arguments_of(carried, out, tmp_path / "work", total=3.0))
    rows = json.loads((out / "table.json").read_text())
    assert all(rows[v.name] == {"note": "not run: no time was left"} for v in pools.VARIANTS[1:])
