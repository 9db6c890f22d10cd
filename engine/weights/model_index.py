"""The family of a diffusers checkpoint: `_class_name` in its model_index.json, such as StableDiffusionXLPipeline."""

import json
import re
from pathlib import Path

from engine.weights.registry import HUB

FILE = "model_index.json"

MAX_INDEX_BYTES = 100_000
"""Bytes of model_index.json that are read; real ones have under 2,000."""

CLASS_NAME = re.compile(r"[A-Za-z0-9_]{1,80}")


def cached_family(source: str, weights: Path) -> str:
    """Return the family of a folder, or of a hub repository whose index is in the cache under `weights`.

    Return "" where it cannot be known without the network.
    """
    folder = Path(source).expanduser()
    if folder.is_dir():
        return read_family(folder / FILE)
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        cached = try_to_load_from_cache(source, FILE, cache_dir=weights / HUB)
    except HFValidationError:
        return ""
    return read_family(Path(cached)) if isinstance(cached, str) else ""


def fetch_family(source: str, weights: Path) -> str:
    """Return the family of a folder or hub repository, asking the hub where necessary.

    Return "" where the hub does not answer or there is no readable index: loading the checkpoint says what is wrong.
    """
    if Path(source).expanduser().is_dir():
        return cached_family(source, weights)
    from huggingface_hub import hf_hub_download

    try:
        return read_family(Path(hf_hub_download(source, FILE, cache_dir=weights / HUB)))
    except (OSError, ValueError):  # every error of the hub's is one of these
        return ""


def read_family(index: Path) -> str:
    """Return `_class_name` of the file `index`, or "" where it has none or cannot be read."""
    try:
        with index.open("rb") as stream:
            name = json.loads(stream.read(MAX_INDEX_BYTES))["_class_name"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
    return name if isinstance(name, str) and CLASS_NAME.fullmatch(name) else ""
