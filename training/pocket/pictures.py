"""Convert the packed icons to pixels: render SVG documents with resvg, and decode the 3d set."""

import io
import json
import lzma
import os
import zipfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from training.pocket.colour import Array
from training.pocket.compose import SIZE


def manifest(pack: Path) -> dict[str, Any]:
    """Return the pack's manifest: concepts by code, and icons in the order of :func:`icons`."""
    loaded: dict[str, Any] = json.loads(lzma.decompress((pack / "manifest.json.xz").read_bytes()))
    return loaded


def icons(pack: Path, workers: int) -> Array:
    """Return every icon, uint8 (N, 128, 128, 4), and cache them in ``<pack>-pixels.npy``."""
    kept = pack.with_name(pack.name + "-pixels.npy")
    if not kept.exists():
        documents = lzma.decompress((pack / "svgs.xz").read_bytes()).decode().split("\0")
        with ProcessPoolExecutor(workers) as pool, zipfile.ZipFile(pack / "webp.zip") as archive:
            drawn = list(pool.map(draw, documents, chunksize=32))
            drawn += [decode(archive.read(name)) for name in sorted(archive.namelist())]
        part = kept.with_name(f"{os.getpid()}-{kept.name}")
        np.save(part, np.stack(drawn))
        part.replace(kept)  # whole or not there, however many processes begin at once
    loaded: Array = np.load(kept, mmap_mode="r")
    return loaded


def draw(document: str) -> Array:
    """Render an SVG document in a square of 128 px.

    If it cannot be rendered the square is empty, and recipes skip it.
    """
    import resvg_py

    try:
        picture = decode(bytes(resvg_py.svg_to_bytes(svg_string=document, width=SIZE)))
    except ValueError as error:
        print("not drawn:", str(error)[:100], flush=True)
        return np.zeros((SIZE, SIZE, 4), np.uint8)
    return picture


def decode(data: bytes) -> Array:
    """Decode a picture file to RGBA, centred in a square, with fully transparent pixels cleared."""
    picture = Image.open(io.BytesIO(data)).convert("RGBA")
    if picture.size != (SIZE, SIZE):
        picture.thumbnail((SIZE, SIZE))
        square = Image.new("RGBA", (SIZE, SIZE))
        square.paste(picture, ((SIZE - picture.width) // 2, (SIZE - picture.height) // 2))
        picture = square
    pixels = np.array(picture)
    pixels[pixels[..., 3] == 0] = 0
    return pixels
