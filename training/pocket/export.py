"""Write trained weights as the ONNX file that the engine draws with.

    python -m training.pocket.export WEIGHTS.safetensors engine/weights/embedded/pocket.onnx --golden GOLDEN.png

GOLDEN.png is tests/engine/tasks/imagine/pocket.png; the printed size and sha256 belong in
engine/weights/catalogue.toml. Large matrices and convolutions are stored as int8 with a scale per output channel and a
DequantizeLinear node, which ONNX Runtime folds to fp32 when it loads the file. The file's metadata contains the
sampler's `Settings`. This needs onnx and onnxscript as well as torch.
"""

import argparse
import hashlib
import math
import sys
from dataclasses import Field, asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from PIL import Image
from safetensors import safe_open

from engine.tasks.imagine.pocket.minilm import MiniLM
from engine.tasks.imagine.pocket.pocket import pixels
from engine.tasks.imagine.pocket.sampler import Array, sample, times
from engine.weights import registry
from training.pocket.network import Pocket

INPUTS = "z", "t", "ctx", "mask"
SMALL = 4096
LARGE = 100_000
"""Numbers in an array: up to SMALL fp32, up to LARGE fp16, above int8. This network's smaller layers lie near its ends,
and half of all that int8 would cost in quality is theirs."""


@dataclass(frozen=True)
class Settings:
    """The network's settings, which are written to the file's metadata and read by engine/tasks/imagine/pocket."""

    size: int = 128
    steps: int = 10
    guidance: float = 4.0
    guiding: Literal["two-pass", "input", "none"] = "two-pass"
    shift: float = 2.0
    tokens: int = 22
    text: str = "all-MiniLM-L6-v2"


def load(path: Path) -> tuple[Pocket, dict[str, str]]:
    """Return the network with the weights at `path`, in the shape that they imply, and the file's metadata."""
    with safe_open(path, framework="pt") as file:
        state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118  # not a mapping
        metadata = file.metadata() or {}
    widths = tuple(state[f"{name}.weight"].shape[0] for name in ("inp", "down0", "down1", "down2"))
    blocks = len({name.split(".")[2] for name in state if name.startswith("mid.b.")})
    network = Pocket(widths, blocks, size=16 * math.isqrt(state["mid.pos"].shape[1]))
    network.load_state_dict(state)
    return network.eval().requires_grad_(False), metadata


def export(network: Pocket, settings: Settings) -> onnx.ModelProto:
    """Return the network as ONNX, with variable numbers of pictures and tokens."""
    n, k = torch.export.Dim("n", min=1, max=64), torch.export.Dim("k", min=2, max=512)
    size, tokens = settings.size, settings.tokens
    example = torch.randn(2, 3, size, size), torch.rand(2), torch.randn(2, tokens, 384), torch.ones(2, tokens).bool()
    program = torch.onnx.export(
        network,
        example,
        input_names=INPUTS,
        output_names=["x"],
        opset_version=20,
        dynamo=True,
        verbose=False,
        dynamic_shapes={"z": {0: n}, "t": {0: n}, "ctx": {0: n, 1: k}, "mask": {0: n, 1: k}},
    )
    assert program is not None
    return program.model_proto


def quantise(model: onnx.ModelProto) -> None:
    """Keep each large weight of a Conv, MatMul or Gemm as int8 and each smaller array as fp16, in place."""
    graph = model.graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    users = {node.input[1]: node for node in graph.node if node.op_type in ("Conv", "MatMul", "Gemm")}
    for name, tensor in tensors.items():
        count = math.prod(tensor.dims)
        if tensor.data_type != onnx.TensorProto.FLOAT or count < SMALL:
            continue
        made = _int8(tensor, _output_axis(users[name])) if name in users and count > LARGE else _fp16(tensor)
        graph.initializer.remove(tensor)
        graph.initializer.extend(made[:-1])
        graph.node.insert(0, made[-1])


def _output_axis(node: onnx.NodeProto) -> int:
    transposed = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
    return 0 if node.op_type == "Conv" or transposed else 1


def _int8(tensor: onnx.TensorProto, axis: int) -> list[Any]:
    """Return the weight divided by a scale per output channel, the scales, and the node that restores the weight."""
    weight = numpy_helper.to_array(tensor)
    scale = np.abs(weight).max(tuple(i for i in range(weight.ndim) if i != axis), keepdims=True) / 127
    scale = np.maximum(scale, 1e-12).astype(np.float32)
    names = f"{tensor.name}_int8", f"{tensor.name}_scale"
    return [
        numpy_helper.from_array(np.round(weight / scale).astype(np.int8), names[0]),
        numpy_helper.from_array(scale.ravel(), names[1]),
        helper.make_node("DequantizeLinear", names, [tensor.name], axis=axis),
    ]


def _fp16(tensor: onnx.TensorProto) -> list[Any]:
    name = f"{tensor.name}_fp16"
    half = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), name)
    return [half, helper.make_node("Cast", [name], [tensor.name], to=onnx.TensorProto.FLOAT)]


def strip(model: onnx.ModelProto) -> None:
    """Remove the exporter's source locations from each node, a megabyte in all."""
    for node in model.graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")


def golden(network: Pocket, settings: Settings, prompt: str = "a red apple", seed: int = 3) -> Image.Image:
    """Return the network's picture in fp32 torch, with guidance and the engine's text states and sampler."""
    folder = registry.path_or_raise("minilm", registry.FOLDER)
    encoder = MiniLM(folder / "model.safetensors", folder / "tokenizer.json", settings.tokens)
    texts = [torch.from_numpy(encoder.read(text).states)[None] for text in (prompt, "")]

    def predict(z: Array, t: float) -> Array:
        at = torch.from_numpy(z)[None], torch.tensor([t], dtype=torch.float32)
        guided, free = (network(*at, text, torch.ones(text.shape[:2]).bool())[0].numpy() for text in texts)
        return np.asarray(free + np.float32(settings.guidance) * (guided - free))

    noise = np.random.Generator(np.random.PCG64(seed)).standard_normal((3, settings.size, settings.size), np.float32)
    *_, x = sample(predict, noise, times(settings.steps, settings.shift))
    return Image.fromarray(pixels(x))


def main() -> None:
    """Write the ONNX file, and the golden picture if asked."""
    given = _parser().parse_args()
    network, metadata = load(given.weights)
    settings = _settings(network, metadata, vars(given))
    model = export(network, settings)
    strip(model)
    if not given.fp32:
        quantise(model)
    helper.set_model_props(model, {name: str(value) for name, value in asdict(settings).items()})
    given.out.write_bytes(model.SerializeToString())
    if given.golden:
        golden(network, settings).save(given.golden)
    digest = hashlib.sha256(given.out.read_bytes()).hexdigest()
    sys.stdout.write(f'size = {given.out.stat().st_size}\nsha256 = "{digest}"\n')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--fp32", action="store_true", help="keep the weights as they are, to compare with")
    parser.add_argument("--golden", type=Path, metavar="PNG", help="also save what fp32 torch draws of a red apple")
    for field in fields(Settings):
        parser.add_argument(f"--{field.name}", type=_kind(field), help=f"default {field.default}")
    return parser


def _kind(field: Field[Any]) -> type[Any]:
    return type(field.default)


def _settings(network: Pocket, metadata: dict[str, str], given: dict[str, Any]) -> Settings:
    """Return the settings: from the command line, or else from the file's metadata, or else the defaults."""
    told = {f.name: _kind(f)(metadata[f.name]) for f in fields(Settings) if f.name in metadata}
    asked = {f.name: given[f.name] for f in fields(Settings) if given[f.name] is not None}
    return Settings(**({"size": network.size} | told | asked))


if __name__ == "__main__":
    main()
