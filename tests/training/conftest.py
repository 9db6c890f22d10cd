"""A training pack made small: three objects in two sets, and a text encoder of a few words."""

import json
import lzma
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

WORDS = ("a", "the", "cat", "hat", "dog", "un", "gato", "sombrero", "perro", "red", "blue", "on", "and", "with", "at")


@pytest.fixture(scope="session")
def manifest() -> dict[str, Any]:
    def concept(label: str, group: int, en: str, es: str) -> dict[str, Any]:
        return {"label": label, "group": group, "en": [[en, 1.0]], "es": [[es, 1.0]], "weight": 1.0}

    concepts = {
        "1": concept("cat face", 3, "cat", "gato"),
        "2": concept("top hat", 7, "hat", "sombrero"),
        "3": concept("dog face", 4, "dog", "perro"),
    }
    icons = [
        {"set": name, "style": style, "concept": code, "w": 1.0}
        for name, style in (("noto", "cartoon"), ("emojione", "vector"))
        for code in concepts
    ]
    return {"concepts": concepts, "icons": icons}


@pytest.fixture(scope="session")
def rgba() -> NDArray[np.uint8]:
    """Six squares of one colour each, 64 wide, in the middle of 128."""
    icons = np.zeros((6, 128, 128, 4), np.uint8)
    colours = [(220, 40, 40), (20, 20, 20), (40, 80, 220)] * 2
    for icon, colour in zip(icons, colours, strict=True):
        icon[32:96, 32:96] = (*colour, 255)
    return icons


@pytest.fixture(scope="session")
def pack(tmp_path_factory: pytest.TempPathFactory, manifest: dict[str, Any], rgba: NDArray[np.uint8]) -> Path:
    import torch
    from safetensors.torch import save_file
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    from training.pocket.network import MiniLM

    folder = tmp_path_factory.mktemp("pocket") / "pack"
    folder.mkdir()
    (folder / "manifest.json.xz").write_bytes(lzma.compress(json.dumps(manifest).encode()))
    np.save(folder.with_name("pack-pixels.npy"), rgba)
    ids = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102} | {w: 200 + i for i, w in enumerate(WORDS)}
    made = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.BertProcessing(("[SEP]", 102), ("[CLS]", 101))
    made.save(str(folder / "tokenizer.json"))
    kept = torch.tensor(sorted(ids.values()))
    save_file(MiniLM(vocabulary=len(kept)).state_dict() | {"kept": kept}, folder / "text.safetensors")
    return folder
