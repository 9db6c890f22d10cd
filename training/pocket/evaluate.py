"""Measure how well the judge recognises the prompts of a model's pictures among 500 labels.

    python -m training.pocket.evaluate PACK MATCHER WEIGHTS OUT

This writes OUT/evaluation.json and OUT/sheet.png. ``--ceiling`` scores the real icons of a set that the judge never
saw.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from training.pocket import matcher, pictures, pool, prompts, text
from training.pocket.colour import Array
from training.pocket.compose import compose
from training.pocket.network import Pocket
from training.pocket.recipes import Recipe, RecipeSampler
from training.pocket.sample import sample, save_sheet

Figures = dict[str, float]
SINGLES = [f"a {name}" for name in prompts.SINGLES]
PARTS = {"two": prompts.parse(prompts.TWO), "bound": prompts.parse(prompts.BOUND),
         "placed": prompts.parse(prompts.PLACED), "many": prompts.parse(prompts.MANY)}  # fmt: skip


class Judge:
    """A matcher with 500 labels: the 200 objects, the 100 compositions, and 200 distractors."""

    def __init__(self, pack: Path, encoder: text.Encoder, model: matcher.Matcher) -> None:
        self.encoder, self.model = encoder, model
        self.labels = [*SINGLES, *prompts.COMPOSITIONS, *distractors(pack)]
        self.read = self.vectors(self.labels)

    def vectors(self, captions: list[str]) -> Tensor:
        """Return the pictures' vectors (N, 256)."""
        return self.model.read(*self.encoder(captions))

    def ranks(self, drawn: Tensor, wanted: list[str], labels: Tensor | None = None) -> Tensor:
        """Return the number of labels that fit each picture better than its own: 0 is best."""
        every = self.read if labels is None else labels
        seen = torch.cat([self.model.look(part) for part in drawn.to(every.device).split(64)])
        scores, own = seen @ every.T, (seen * self.vectors(wanted)).sum(1, keepdim=True)
        return (scores > own + 1e-5).sum(1).cpu()


def distractors(pack: Path) -> list[str]:
    """Return 200 labels that no picture shows: 100 other objects, and each composition with one word replaced."""
    known = pictures.manifest(pack)["concepts"].values()
    names = sorted({c["en"][0][0] for c in known if c["group"] in (3, 4, 5, 6, 7)} - set(prompts.SINGLES))
    others = [f"a {name}" for name in np.random.default_rng(0).permutation(names)[:100]]
    lasts = [c.split(" ")[-1] for c in prompts.COMPOSITIONS]
    wrong = [" ".join([*c.split(" ")[:-1], lasts[(i + 7) % 100]]) for i, c in enumerate(prompts.COMPOSITIONS)]
    return others + wrong


def shares(ranks: Tensor) -> Figures:
    """Return top-1 and top-5 accuracy in per cent."""
    return {
        "top1": round((ranks < 1).float().mean().item() * 100, 1),
        "top5": round((ranks < 5).float().mean().item() * 100, 1),
    }


class Artist:
    """A trained model that draws captions. ``guidance`` is 0 for weights with distilled guidance."""

    def __init__(self, model: Pocket, encoder: text.Encoder, steps: int, guidance: float) -> None:
        self.model, self.encoder = model.eval().requires_grad_(False).to(encoder.device), encoder
        self.steps, self.guidance = steps, guidance

    def draw(self, captions: list[str], seed: int = 0) -> Tensor:
        """Return pictures (N, 3, S, S) on the CPU. The seed of picture i is ``seed + i``."""
        empty = self.encoder([""]) if self.guidance else None
        done = []
        for at in range(0, len(captions), 50):
            part = captions[at : at + 50]
            with torch.autocast(self.encoder.device.type, torch.bfloat16, enabled=self.encoder.device.type == "cuda"):
                seeds = list(range(seed + at, seed + at + len(part)))
                done.append(
                    sample(self.model, self.encoder(part), empty, seeds, steps=self.steps, guidance=self.guidance).cpu()
                )
        return torch.cat(done)


def score(artist: Artist, judge: Judge, rgba: Array, every: int = 1) -> dict[str, Figures]:
    """Return all figures of one set of weights, on every ``every``-th prompt."""
    wanted = SINGLES[::every]
    singles = artist.draw(wanted)
    found = {"single": shares(judge.ranks(singles, wanted)), "copies": nearest(singles, rgba)}
    parts = {name: list(part[::every]) for name, part in PARTS.items()}
    ranks = {name: judge.ranks(artist.draw(part, 1000), part) for name, part in parts.items()}
    found |= {name: shares(part) for name, part in ranks.items()} | {
        "composition": shares(torch.cat(list(ranks.values())))
    }
    english = [f"a {en}" for en, _ in prompts.SPANISH[::every]]
    drawn = artist.draw([f"un {es}" for _, es in prompts.SPANISH[::every]])
    return found | {"spanish": shares(judge.ranks(drawn, english))}


def nearest(drawn: Tensor, rgba: Array) -> Figures:
    """Return the RMSE (0..1, at 64 px on white) between each picture and the nearest icon or its mirror image."""
    ours, icons = flat((drawn + 1) / 2), flat(on_white(rgba))
    mirrored = flat(drawn.flip(3) / 2 + 0.5)
    far = torch.minimum(torch.cdist(ours, icons).amin(1), torch.cdist(mirrored, icons).amin(1)) / ours.shape[1] ** 0.5
    own = torch.cdist(icons[::20], icons).topk(2, largest=False).values[:, 1] / ours.shape[1] ** 0.5
    return {
        "median": round(far.median().item(), 3),
        "least": round(far.min().item(), 3),
        "icons": round(own.median().item(), 3),
    }


def on_white(rgba: Array) -> Tensor:
    """Blend icons uint8 (N, S, S, 4) over white, and return them as (N, 3, 64, 64) in 0..1."""
    parts, times = [], rgba.shape[1] // 64
    for at in range(0, len(rgba), 1000):
        part = torch.from_numpy(np.array(rgba[at : at + 1000])).permute(0, 3, 1, 2).float() / 255
        parts.append(functional.avg_pool2d(part[:, :3] * part[:, 3:] + 1 - part[:, 3:], times))
    return torch.cat(parts)


def flat(picture: Tensor) -> Tensor:
    """Return pictures at 64 px as rows."""
    return functional.adaptive_avg_pool2d(picture, 64).flatten(1)


def ceiling(judge: Judge, pack: Path, rgba: Array, set_: str) -> dict[str, Figures]:
    """Return the score of real icons of one set, alone on the 200 objects and in 300 compositions."""
    manifest = pictures.manifest(pack)
    sampler = RecipeSampler(manifest, np.asarray(rgba), {set_})
    first = {c["en"][0][0]: i for i, (c, s) in enumerate(zip(sampler.concepts, sampler.set, strict=True)) if s == set_}
    known = [name for name in prompts.SINGLES if name in first]
    icons = on_white(rgba[np.array([first[name] for name in known])])
    single = judge.ranks(functional.interpolate(icons, rgba.shape[1]) * 2 - 1, [f"a {name}" for name in known])
    made = compose_recipes(sampler, 300)
    table = pool.join_pools([pool.columns(made, pack)])
    drawn = compose(torch.from_numpy(np.array(rgba)), table.recipes)
    labels = judge.vectors([m.caption for m in made] + judge.labels[:200])
    return {"single": shares(single), "composition": shares(judge.ranks(drawn, [m.caption for m in made], labels))}


def compose_recipes(sampler: RecipeSampler, count: int) -> list[Recipe]:
    """Return English recipes of several objects, or of one in a scene."""
    r = np.random.default_rng(5)
    made: list[Recipe] = []
    while len(made) < count:
        recipe = sampler.sample(r)
        if len(recipe.what.split()) > 2 and recipe.caption.isascii():
            made.append(recipe)
    return made


def load(weights: Path) -> Pocket:
    """Load a trained model from its file."""
    model = Pocket()
    model.load_state_dict({k: v.float() for k, v in load_file(weights).items()})
    return model


def main(given: argparse.Namespace) -> None:
    """Score the weights, and print and write the figures."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    rgba, encoder = pictures.icons(given.pack, os.cpu_count() or 1), text.Encoder(given.pack, device)
    judge = Judge(given.pack, encoder, matcher.load(given.matcher, device))
    artist = Artist(load(given.weights), encoder, given.steps, given.guidance)
    figures = score(artist, judge, rgba, given.every)
    if given.ceiling:
        for set_ in (matcher.UNSEEN, "fluent-3d", "noto"):
            figures |= {f"ceiling {set_} {k}": v for k, v in ceiling(judge, given.pack, rgba, set_).items()}
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / f"{given.name}.json").write_text(json.dumps(figures, indent=1))
    if given.every == 1:
        save_sheet(artist.draw(list(prompts.SHEET), 5000), given.out / f"{given.name}.png", 12)
    print(given.name, json.dumps(figures))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for path in ("pack", "matcher", "weights", "out"):
        parser.add_argument(path, type=Path)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--guidance", type=float, default=4.0)
    parser.add_argument("--every", type=int, default=1, help="judge every nth prompt only, and draw no sheet")
    parser.add_argument("--name", default="evaluation")
    parser.add_argument("--ceiling", action="store_true")
    main(parser.parse_args())
