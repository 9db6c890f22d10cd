"""Make a small training pack: five sets at 64 px in one WebP atlas, and the published names."""

import json
import lzma
import os
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from training.pocket import captions, matcher, pictures, prepare, sources, text
from training.pocket.colour import Array

SETS = ("fluent-emoji-flat", "noto", "twemoji", "fluent-3d", matcher.UNSEEN)
SIDE, ACROSS = 64, 100


def pack(whole: Path, small: Path, cache: Path) -> None:
    """Write a small pack from a full one."""
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
    write(small, {"icons": icons, "concepts": known}, rgba[kept])
    shutil.copy(whole / "tokenizer.json", small / "tokenizer.json")
    words = prepare.sayable(known) + [name for concept in known.values() for name, _ in concept["published"]]
    text.pack_encoder(small, text.tokens(text.tokenizer(small), words))
    print(len(icons), "icons,", len(known), "concepts,", sum(f.stat().st_size for f in small.iterdir()) // 1000, "kB")


def share(icons: list[dict[str, Any]], known: dict[str, Any]) -> None:
    """Divide each concept's weight among its remaining icons."""
    sums: dict[str, float] = defaultdict(float)
    for icon in icons:
        sums[icon["concept"]] += icon["w"]
    for icon in icons:
        icon["w"] *= known[icon["concept"]]["weight"] / sums[icon["concept"]]


def write(small: Path, manifest: dict[str, Any], rgba: Array) -> None:
    """Write the manifest and the atlas."""
    (small / "manifest.json.xz").write_bytes(lzma.compress(json.dumps(manifest).encode()))
    Image.fromarray(atlas(rgba)).save(small / "icons.webp", quality=82, alpha_quality=80, method=6)


def atlas(rgba: Array) -> Array:
    """Return one picture of the icons (N, 128, 128, 4) at 64 px, ACROSS per row. Colours are weighted by alpha."""
    small = np.zeros((-(-len(rgba) // ACROSS) * ACROSS, SIDE, SIDE, 4), np.uint8)
    for to, icon in zip(small, rgba, strict=False):
        averaged = Image.fromarray(icon).convert("RGBa").resize((SIDE, SIDE), Image.Resampling.BOX)
        to[:] = np.asarray(averaged.convert("RGBA"))
    return small.reshape(-1, ACROSS, SIDE, SIDE, 4).swapaxes(1, 2).reshape(-1, ACROSS * SIDE, 4)


def unpack(small: Path, to: Path) -> None:
    """Write the pack to another folder, with its atlas as the pixels that :func:`pictures.icons` reads."""
    to.mkdir(parents=True, exist_ok=True)
    for name in ("manifest.json.xz", "text.safetensors", "tokenizer.json"):
        shutil.copy(small / name, to / name)
    sheet = np.asarray(Image.open(small / "icons.webp").convert("RGBA"))
    icons = sheet.reshape(-1, SIDE, ACROSS, SIDE, 4).swapaxes(1, 2).reshape(-1, SIDE, SIDE, 4)
    icons = icons[: len(pictures.manifest(small)["icons"])].copy()
    icons[icons[..., 3] == 0] = 0
    np.save(to.with_name(to.name + "-pixels.npy"), icons)
