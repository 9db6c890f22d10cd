"""Reads JoyVASA's published files without running any code in them."""

import argparse
import io
import pathlib
import pickle
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.tasks.animate.joyvasa.files import ENCODER, GENERATOR, TEMPLATE, unfit
from engine.tasks.animate.joyvasa.network import Generator, Shape
from engine.torch_support.torchvision_import import import_torchvision

Template = dict[str, NDArray[np.float32]]

ANEW = ("denoising_net.TE.", "denoising_net.PE.", "denoising_net.alignment_mask", "diffusion_sched.")
"""Prefixes of entries in a checkpoint that follow from its shape and are built anew."""
UNUSED = "audio_encoder.masked_spec_embed"
"""An entry of the encoder that only training needs."""
RANGES = {"scale": 1, "t": 3, "pitch": 1, "yaw": 1, "roll": 1}
"""Entries of the template that have a minimum and a maximum, with their sizes."""
_ARRAYS = {("numpy", "ndarray"), ("numpy", "dtype")}


def generator(folder: Path, device: str) -> Generator:
    """Load the motion generator. Raises MissingModel if the file is not such a network."""
    try:
        with torch.serialization.safe_globals([argparse.Namespace, pathlib.PosixPath]):
            told = torch.load(folder / GENERATOR, map_location="cpu", weights_only=True)
        values = dict(_rename_weights(told["model"]))
        model = Generator(_shape(told["args"], values), _encoder(folder, str(told["args"].audio_model)))
        left = model.load_state_dict(values, strict=False)
    except Exception as error:  # torch, pickle and transformers have no root of their errors in common
        raise unfit(Path(GENERATOR).name) from error
    if left.unexpected_keys or set(left.missing_keys) - {UNUSED}:
        raise unfit(Path(GENERATOR).name)
    model.to(device).eval()
    return model


def template(folder: Path) -> Template:
    """Return the mean and spread of expressions and the ranges of pose, by which coefficients are normalised."""
    sizes = {f"{end}_{name}": size for name, size in RANGES.items() for end in ("min", "max")}
    sizes |= {"mean_exp": 63, "std_exp": 63}
    try:
        told = _Arrays(io.BytesIO((folder / TEMPLATE).read_bytes())).load()
        return {name: np.asarray(told[name], np.float32).reshape(size) for name, size in sizes.items()}
    except Exception as error:  # a pickle may raise anything
        raise unfit(Path(TEMPLATE).name) from error


class _Arrays(pickle.Unpickler):
    """Unpickles arrays and their containers, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """Return an allowed class. Raises pickle.UnpicklingError for any other."""
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name in ("_reconstruct", "scalar"):
            return getattr(import_module("numpy._core.multiarray"), name)
        if (module, name) in _ARRAYS:
            return getattr(np, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no array")


def _rename_weights(state: dict[str, Tensor]) -> Any:
    """Drop what is built anew, and rename the encoder's weight norm to torch's current names."""
    for name, value in state.items():
        if not name.startswith(ANEW):
            norm = name.replace("conv.weight_g", "conv.parametrizations.weight.original0")
            yield norm.replace("conv.weight_v", "conv.parametrizations.weight.original1"), value


def _shape(told: Any, values: dict[str, Tensor]) -> Shape:
    layers = {name.split(".")[3] for name in values if name.startswith("denoising_net.transformer.layers.")}
    return Shape(
        features=told.feature_dim,
        frames=told.n_motions,
        before=told.n_prev_motions,
        steps=told.n_diff_steps,
        coefficients=told.motion_feat_dim,
        layers=len(layers),
    )


def _encoder(folder: Path, kind: str) -> Any:
    """Return the encoder without weights, which are in the generator's file. It is HuBERT base unless configured."""
    import_torchvision()
    from transformers import HubertConfig, HubertModel, Wav2Vec2Config, Wav2Vec2Model

    config_of, model = (HubertConfig, HubertModel) if kind.startswith("hubert") else (Wav2Vec2Config, Wav2Vec2Model)
    place = folder / ENCODER
    return model(config_of.from_json_file(str(place)) if place.is_file() else config_of())
