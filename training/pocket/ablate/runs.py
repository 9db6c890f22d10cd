"""Run the ablation: train a judge, then train each variant from the same initial weights for an equal time."""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from statistics import median

import numpy as np
import torch
from torch import nn

from training.pocket import evaluate, matcher, pictures, pool, prompts, text
from training.pocket.ablate import pools, table
from training.pocket.ablate.small import SIDE, unpack
from training.pocket.evaluate import Artist, Judge
from training.pocket.network import Block, Pocket, Residual
from training.pocket.sample import save_sheet
from training.pocket.settings import Settings
from training.pocket.train import Data, Trainer

GUIDANCE, STEPS, FEWER = 3.0, 12, 8
DISTIL_SHARE = 0.6  # of a run's seconds
FINAL_SECONDS = 5.0  # reserved for scoring the real icons and for exiting


@contextmanager
def beside(what: str, given: argparse.Namespace) -> Iterator["subprocess.Popen[bytes]"]:
    """Run this program as another process, and kill it with its children at the end if it still runs."""
    told = [f"--{name}={getattr(given, name)}" for name in ("total", "pool", "batch")]
    told += ["--only", *map(str, given.only)]
    command = [sys.executable, "-m", "training.pocket.ablate", what, str(given.work), str(given.work), *told]
    process = subprocess.Popen(command + ["--narrow"] * given.narrow, start_new_session=True)
    try:
        yield process
    finally:
        end(process)


def end(process: "subprocess.Popen[bytes]") -> int:
    """Kill the process and its children if they still run, and return its exit status."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


class Ablation:
    """The state that all runs share: the clock, the device, the network, which is compiled once, and the table."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given, self.began, self.pack = given, time.monotonic(), given.work / "pack"
        self.total: float = given.total
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.encoder = text.Encoder(self.pack, self.device)
        widths = (16, 32, 64, 64) if given.narrow else (64, 128, 256, 384)
        self.told = Settings(self.pack, given.work, 1e9, batch=given.batch, widths=widths, size=SIDE, save_every=1e9,
                             guidance=GUIDANCE, max_steps=given.steps)  # fmt: skip
        self.model = self.fresh(0)
        self.scoring: list[float] = [given.scoring]
        self.rows: dict[str, table.Row] = {}

    def fresh(self, seed: int) -> Pocket:
        """Return the network with its initial weights."""
        torch.manual_seed(seed)
        return Pocket(widths=self.told.widths, size=SIDE)

    def elapsed_seconds(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self.began

    def part(self, parts: float) -> float:
        """Return the training seconds of one of ``parts`` equal shares of the remaining time, without the scoring."""
        return (self.total - FINAL_SECONDS - self.elapsed_seconds()) / parts - median(self.scoring)

    def trainer(self, made: pool.Pool, seed: int, told: Settings) -> Trainer:
        """Return a trainer at step 0 of the network that every run uses."""
        self.model.load_state_dict(self.fresh(seed).state_dict())
        self.model.requires_grad_(True).train()
        return Trainer(told, Data(told, self.device, 0, made), self.model)

    def judge(self, made: pool.Pool) -> Judge:
        """Train and return the judge, on all sets but UNSEEN."""
        rgba = torch.from_numpy(np.array(pictures.icons(self.pack, 1))).to(self.device)
        model = matcher.learn(made.to(self.device), rgba, self.encoder, self.given.judge, self.given.judge_batch)
        return Judge(self.pack, self.encoder, model)

    def score(
        self, name: str, trainer: Trainer, judge: Judge, *, steps: int = STEPS, guided: bool = True, before: int = 0
    ) -> Artist:
        """Score the weights and add a row to the table.

        ``before`` is the number of steps that they were trained before.
        """
        began, artist = time.monotonic(), Artist(trainer.average, self.encoder, steps, GUIDANCE if guided else 0.0)
        seen = {"passes": steps * (2 if guided else 1), "pictures": (before + trainer.steps) * self.given.batch}
        self.row(name, seen | table.score(artist, judge, self.given.every))
        self.scoring.append(time.monotonic() - began)
        return artist

    def row(self, name: str, row: table.Row) -> None:
        """Add a row to the table, write the table, and print the row."""
        self.rows[name] = row
        table.write(self.rows, self.given.out)
        print(f"{self.elapsed_seconds():4.0f} s", table.lines({name: row})[-1], flush=True)


def compile_regions(model: nn.Module) -> None:
    """Compile the network's repeated parts. This is faster than compiling all of it and gives most of the speed."""
    from torch import _dynamo  # its limit is for one function compiled over and over; here are many sizes of it

    _dynamo.config.recompile_limit = 64
    for part in model.modules():
        if isinstance(part, Residual | Block):
            part.compile(dynamic=False)


def compile_ahead(given: argparse.Namespace) -> None:
    """Train a few steps on a small pool, to fill the compiler's cache for the runs. Call this in a separate process."""
    work = Ablation(given)
    compile_regions(work.model)
    made = pool.make(work.pack, pictures.manifest(work.pack), pictures.icons(work.pack, 1), count=64, seed=1)
    work.trainer(made, 0, replace(work.told, max_steps=6)).learn()


def run(given: argparse.Namespace) -> None:
    """Run all variants within ``given.total`` seconds, plus at most the time of one scoring."""
    given.out.mkdir(parents=True, exist_ok=True)
    unpack(given.small, given.work / "pack")
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(given.work / "inductor")
    with beside("pools", given) as maker, beside("compile", given) if given.compile else nullcontext() as compiler:
        work = Ablation(given)
        judge = work.judge(pools.wait_for_pool(given.work / "judge.pt", maker, given.wait))
        print(f"judge trained after {work.elapsed_seconds():.0f} s", flush=True)
        if compiler and fill_compile_cache(compiler, given.compile - work.elapsed_seconds()):
            warm(work, pools.wait_for_pool(given.work / f"{given.only[0]}.pt", maker, given.wait))
        every(work, judge, maker)
    real(work, judge)
    print("\n".join(table.lines(work.rows)), flush=True)


def fill_compile_cache(compiler: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """Fill the compiler's cache, and return whether that was done in time. Otherwise print so, and compile nothing."""
    try:
        code = compiler.wait(max(0.0, seconds))
    except subprocess.TimeoutExpired:
        code = end(compiler)
    if code:
        print(f"not compiled: {'no time' if code < 0 else f'the process ended with {code}'}", flush=True)
    return code == 0


def warm(work: Ablation, made: pool.Pool) -> None:
    """Compile the network from the cache."""
    compile_regions(work.model)
    work.trainer(made, 0, replace(work.told, max_steps=6)).learn()
    print(f"compiled after {work.elapsed_seconds():.0f} s", flush=True)


def every(work: Ablation, judge: Judge, maker: "subprocess.Popen[bytes]") -> None:
    """Run each variant. One that fails or has no time left gets a row that says so."""
    for done, number in enumerate(work.given.only):
        variant = pools.VARIANTS[number]
        parts = len(work.given.only) - done + (DISTIL_SHARE if number == 0 else 0)
        seconds = work.part(parts)
        if seconds < work.given.least:
            work.row(variant.name, {"note": "not run: no time was left"})
            continue
        try:
            made = pools.wait_for_pool(work.given.work / f"{number}.pt", maker, min(seconds / 2, work.given.wait))
            one(work, judge, variant, made, work.part(parts))
        except (FloatingPointError, TimeoutError, ChildProcessError) as error:
            work.row(variant.name, {"note": f"not run: {error}"})


def one(work: Ablation, judge: Judge, variant: pools.Variant, made: pool.Pool, seconds: float) -> None:
    """Train and score a variant. Score the first one also with cheaper sampling, and distilled."""
    told = replace(work.told, deadline=time.time() + seconds, run=work.given.work / "none")
    trainer = work.trainer(made, variant.seed, told)
    trainer.learn()
    artist = work.score(variant.name, trainer, judge)
    sheet = list(prompts.PREVIEW[:: work.given.every])
    save_sheet(artist.draw(sheet, 5000), work.given.out / f"{variant.name.replace(' ', '-')}.png", 12)
    if variant == pools.VARIANTS[0]:
        guidance(work, judge, trainer, seconds * DISTIL_SHARE)


def guidance(work: Ablation, judge: Judge, trainer: Trainer, seconds: float) -> None:
    """Score the same weights with fewer steps, without guidance, and with the guidance distilled into them."""
    work.score("4 of the 12 steps", trainer, judge, steps=FEWER)
    work.score("guidance", trainer, judge, guided=False)
    taught = trainer.steps
    trainer.given = replace(trainer.given, distil=seconds)
    trainer.become_student()
    trainer.learn()
    work.score("guidance, distilled", trainer, judge, guided=False, before=taught)
    work.score("guidance, distilled, and 4 of the 12 steps", trainer, judge, steps=FEWER, guided=False, before=taught)


def real(work: Ablation, judge: Judge) -> None:
    """Score real icons, of a set that the judge was trained on and of the one that it never saw."""
    rgba = pictures.icons(work.pack, 1)
    for set_ in ("noto", matcher.UNSEEN):
        found = evaluate.ceiling(judge, work.pack, rgba, set_)
        parts = {"objects": found["single"], "compositions": found["composition"]}
        scores = {f"{kind} {top}": [value] for kind, part in parts.items() for top, value in part.items()}
        work.row(f"real icons: {set_}", scores)
