"""What each change does alone: short runs of one length at 64 px on one GPU, each leaving one change out.

``python -m training.pocket.ablate pack PACK SMALL`` makes a pack small enough to carry: five sets at 64 px, and the
names as they are published. ``python -m training.pocket.ablate run SMALL OUT --total 440`` trains a judge and then each
run for its share of the seconds, and prints a table; OUT/table.json holds it. The process ``pools`` is the run's own.
"""

import argparse
import copy
import json
import lzma
import os
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from training.pocket import captions, evaluate, matcher, pictures, pool, prepare, prompts, sources, text
from training.pocket.colour import Array
from training.pocket.evaluate import Artist, Judge
from training.pocket.network import Block, Pocket, Residual
from training.pocket.sample import save_sheet
from training.pocket.settings import Settings
from training.pocket.train import Data, Trainer

SETS = ("fluent-emoji-flat", "noto", "twemoji", "fluent-3d", matcher.UNSEEN)
SIDE, ACROSS = 64, 100
SEEDS = (0, 10_000, 20_000)
LEFT_OUT: dict[str, dict[str, Any]] = {  # what the cook is told
    "nothing": {},
    "mended captions": {},
    "weights of sets and objects": {},
    "scenes and compositions": {"plain": True},
    "Spanish captions": {"spanish": 0.0},
}


def pack(whole: Path, small: Path, cache: Path) -> None:
    """A small pack out of a whole one."""
    small.mkdir(parents=True, exist_ok=True)
    manifest, rgba = pictures.manifest(whole), pictures.icons(whole, os.cpu_count() or 1)
    kept = [number for number, icon in enumerate(manifest["icons"]) if icon["set"] in SETS]
    icons = [manifest["icons"][number] for number in kept]
    known = {icon["concept"]: manifest["concepts"][icon["concept"]] for icon in icons}
    homes = sources.fetch(cache)
    published = captions.published_names(homes["emojibase-data"], homes["emojilib"])
    for code, concept in known.items():
        concept["published"] = published[code]
    share(icons, known)
    (small / "manifest.json.xz").write_bytes(lzma.compress(json.dumps({"icons": icons, "concepts": known}).encode()))
    Image.fromarray(atlas(rgba[kept])).save(small / "icons.webp", quality=82, alpha_quality=80, method=6)
    shutil.copy(whole / "tokenizer.json", small / "tokenizer.json")
    words = prepare.sayable(known) + [name for c in known.values() for name, _ in c["published"]]
    text.pack_encoder(small, text.tokens(text.tokenizer(small), words))
    print(len(icons), "icons,", len(known), "concepts,", sum(f.stat().st_size for f in small.iterdir()) // 1000, "kB")


def share(icons: list[dict[str, Any]], known: dict[str, Any]) -> None:
    """Divide a concept's weight anew among the icons that are left."""
    sums: dict[str, float] = defaultdict(float)
    for icon in icons:
        sums[icon["concept"]] += icon["w"]
    for icon in icons:
        icon["w"] *= known[icon["concept"]]["weight"] / sums[icon["concept"]]


def atlas(rgba: Array) -> Array:
    """(N, 128, 128, 4) -> one picture of icons at 64 px, ACROSS to a row; averaged with their alpha."""
    small = np.zeros((-(-len(rgba) // ACROSS) * ACROSS, SIDE, SIDE, 4), np.uint8)
    for to, icon in zip(small, rgba, strict=False):
        to[:] = np.asarray(
            Image.fromarray(icon).convert("RGBa").resize((SIDE, SIDE), Image.Resampling.BOX).convert("RGBA")
        )
    return small.reshape(-1, ACROSS, SIDE, SIDE, 4).swapaxes(1, 2).reshape(-1, ACROSS * SIDE, 4)


def unpack(small: Path) -> None:
    """The atlas as the pixels that :func:`pictures.icons` looks for."""
    sheet = np.asarray(Image.open(small / "icons.webp").convert("RGBA"))
    icons = sheet.reshape(-1, SIDE, ACROSS, SIDE, 4).swapaxes(1, 2).reshape(-1, SIDE, SIDE, 4)
    icons = icons[: len(pictures.manifest(small)["icons"])].copy()
    icons[icons[..., 3] == 0] = 0
    np.save(small.with_name(small.name + "-pixels.npy"), icons)


def manifest_without(small: Path, left_out: str) -> dict[str, Any]:
    """The manifest with that change undone."""
    made = pictures.manifest(small)
    if left_out == "mended captions":
        for concept in made["concepts"].values():
            concept["en"] = concept["published"]
    if left_out == "weights of sets and objects":
        for icon in made["icons"]:
            icon["w"] = 1.0
    return made


def pools(small: Path, out: Path, count: int) -> None:
    """The judge's pool, and then each run's, as files; in a process of their own, while the GPU is at work."""
    rgba = np.asarray(pictures.icons(small, 1))
    sets = set(SETS) - {matcher.UNSEEN}
    keep(out / "judge.pt", pool.make(small, pictures.manifest(small), rgba, count=count, seed=3, sets=sets))
    for number, (left_out, told) in enumerate(LEFT_OUT.items()):
        made = pool.make(small, manifest_without(small, left_out), rgba, count=count, seed=7, **told)
        keep(out / f"{number}.pt", made)


def keep(path: Path, made: pool.Pool) -> None:
    """Written whole or not there."""
    torch.save(made, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def awaited(path: Path) -> pool.Pool:
    """A pool once it is there."""
    while not path.exists():
        time.sleep(0.2)
    made: pool.Pool = torch.load(path, weights_only=False)
    return made


class Ablation:
    """One judge, and one network that every run starts anew, so that it is compiled once."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given, self.began = given, time.time()
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.icons = pictures.icons(given.small, 1)
        self.encoder = text.Encoder(given.small, self.device)
        widths = (16, 32, 64, 64) if given.narrow else (64, 128, 256, 384)
        self.told = Settings(
            given.small, given.out, 0, batch=given.batch, widths=widths, size=SIDE, save_every=1e9, rate=given.rate
        )
        torch.manual_seed(0)
        self.model = Pocket(widths=widths, size=SIDE)
        self.start = copy.deepcopy(self.model.state_dict())
        if self.device.type == "cuda":
            compile_regions(self.model)

    def judge(self) -> Judge:
        """Trained on the sets that are not UNSEEN."""
        icons = torch.from_numpy(np.array(self.icons)).to(self.device)
        made = awaited(self.given.out / "judge.pt").to(self.device)
        model = matcher.learn(made, icons, self.encoder, self.given.judge, self.given.judge_batch)
        return Judge(self.given.small, self.encoder, model)

    def run(self, number: int, seconds: float, max_steps: int = 10**9) -> Trainer:
        """Train without the change of that number."""
        self.model.load_state_dict(self.start)
        self.model.requires_grad_(True).train()
        told = Settings(
            **{**vars(self.told), "seconds": seconds, "run": self.given.out / str(number), "max_steps": max_steps}
        )
        data = Data(told, self.device, 0, awaited(self.given.out / f"{number}.pt"))
        trainer = Trainer(told, data, self.model)
        trainer.train()
        shutil.rmtree(told.run)
        return trainer

    def spent(self) -> float:
        return time.time() - self.began


def compile_regions(model: nn.Module) -> None:
    """Compile the parts that repeat: a minute less than the whole network takes, for most of the gain."""
    from torch import _dynamo  # its limit is for one function compiled over and over; here are many sizes of it

    _dynamo.config.recompile_limit = 64
    for part in model.modules():
        if isinstance(part, Residual | Block):
            part.compile(dynamic=False)


def scored(artist: Artist, judge: Judge, every: int) -> dict[str, float]:
    """Top-1 and top-5 in per cent over several seeds: 200 objects, 100 compositions, 50 objects in Spanish."""
    english = [f"a {en}" for en, _ in prompts.SPANISH]
    asked = {
        "objects": (evaluate.SINGLES, evaluate.SINGLES),
        "compositions": (list(prompts.COMPOSITIONS), list(prompts.COMPOSITIONS)),
        "spanish": ([f"un {es}" for _, es in prompts.SPANISH], english),
    }
    found: dict[str, float] = {}
    for name, (said, wanted) in asked.items():
        ranks: Tensor = torch.cat([judge.ranks(artist.draw(said[::every], seed), wanted[::every]) for seed in SEEDS])
        found |= {f"{name} {top}": value for top, value in evaluate.shares(ranks).items()}
    return found


def report(rows: dict[str, dict[str, float]], out: Path) -> None:
    """Print the table and write it."""
    (out / "table.json").write_text(json.dumps(rows, indent=1))
    print(f"{'left out':<34} {'pictures':>9}   {'objects':>13} {'compositions':>13} {'Spanish':>13}   top-1 / top-5, %")
    for name, row in rows.items():
        parts = [
            f"{row[f'{kind} top1']:.1f} / {row[f'{kind} top5']:.1f}" if f"{kind} top1" in row else ""
            for kind in ("objects", "compositions", "spanish")
        ]
        print(f"{name:<34} {row.get('pictures', 0):>9.0f}   {parts[0]:>13} {parts[1]:>13} {parts[2]:>13}")


def run(given: argparse.Namespace) -> None:
    """Everything, within about ``given.total`` seconds."""
    given.out.mkdir(parents=True, exist_ok=True)
    unpack(given.small)
    maker = [sys.executable, "-m", "training.pocket.ablate", "pools", str(given.small), str(given.out)]
    with subprocess.Popen([*maker, "--pool", str(given.pool)]) as making:
        work = Ablation(given)
        judge = work.judge()
        print(f"judge trained at {work.spent():.0f} s", flush=True)
        work.run(0, 1e9, max_steps=6)
        seconds = (given.total - work.spent()) / len(LEFT_OUT) - given.scoring
        print(f"compiled at {work.spent():.0f} s; {seconds:.0f} s a run", flush=True)
        rows: dict[str, dict[str, float]] = {}
        for number, name in enumerate(LEFT_OUT):
            trainer = work.run(number, max(1.0, seconds))
            artist = Artist(trainer.average, work.encoder, 12, 3.0)
            rows[name] = {"pictures": trainer.steps * given.batch} | scored(artist, judge, given.every)
            if number == 0:
                rows["guidance (one pass, as it is)"] = scored(
                    Artist(trainer.average, work.encoder, 12, 0.0), judge, given.every
                )
            save_sheet(artist.draw(list(prompts.PREVIEW[:: given.every]), 5000), given.out / f"sheet{number}.png", 12)
            print(name, rows[name], f"at {work.spent():.0f} s", flush=True)
        making.wait()
    for set_ in (matcher.UNSEEN, "noto"):
        found = evaluate.ceiling(judge, given.small, work.icons, set_)
        parts = {"objects": found["single"], "compositions": found["composition"]}
        rows[f"real icons: {set_}"] = {f"{k} {top}": v for k, part in parts.items() for top, v in part.items()}
    report(rows, given.out)


def told() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("pack", "run", "pools"))
    parser.add_argument("small", type=Path, help="of pack: the whole pack")
    parser.add_argument("out", type=Path, help="of pack: the small one")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/atelier-training")
    for name, value in (("total", 440.0), ("judge", 35.0), ("scoring", 6.0), ("rate", 1.4e-3)):
        parser.add_argument(f"--{name}", type=float, default=value)
    for name, count in (("pool", 120_000), ("batch", 512), ("judge-batch", 1024), ("every", 1)):
        parser.add_argument(f"--{name}", type=int, default=count)
    parser.add_argument("--narrow", action="store_true", help="a small network, to try this on a CPU")
    return parser.parse_args()


if __name__ == "__main__":
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True
    given = told()
    if given.what == "pack":
        pack(given.small, given.out, given.cache)
    elif given.what == "pools":
        pools(given.small, given.out, given.pool)
    else:
        run(given)
