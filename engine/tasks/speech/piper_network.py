"""A Piper network, modified so that it stays loaded and still says the same text the same way every time.

VITS draws random noise in RandomNormalLike. ONNX Runtime seeds it once per session, so a second sentence would depend
on the first. Here the noise comes from a table in the graph, read from its start each time.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.errors import MissingModel

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto

SEED = 0
"""Seed of the noise table."""
CHANNELS, LENGTH = 192, 4096
"""Size of the table: VITS latents have 192 channels, and 4096 frames last 47 s. Longer sentences wrap around."""
TABLE, DOMAIN, NOISE = "atelier.noise", "atelier", "Noise"
FUNCTION = """
<opset_import: ["" : 15], domain: "atelier">
Noise (like, table) => (noise) {
    shape = Shape (like)
    zero = Constant <value_int = 0> ()
    one = Constant <value_int = 1> ()
    two = Constant <value_int = 2> ()
    channels = Gather (shape, one)
    frames = Gather (shape, two)
    all_channels = Range (zero, channels, one)
    all_frames = Range (zero, frames, one)
    size = Shape (table)
    most_channels = Gather (size, one)
    most_frames = Gather (size, two)
    channel = Mod (all_channels, most_channels)
    frame = Mod (all_frames, most_frames)
    some = Gather <axis = 1> (table, channel)
    noise = Gather <axis = 2> (some, frame)
}
"""
"""Gives normally distributed numbers in the shape of `like`, (1, channels, frames)."""


POLL_SECONDS = 0.1
"""Time between two calls of `check`."""


def run_network(network: Any, inputs: dict[str, Any], check: Callable[[], None]) -> Any:
    """Run an `onnxruntime.InferenceSession` and return its first output. `check` is called ten times a second.

    An exception from `check` stops the run between two operators, and is raised when the run has ended.
    """
    import onnxruntime as ort

    options = ort.RunOptions()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(network.run, None, inputs, options)
        try:
            while not wait([running], POLL_SECONDS).done:
                check()
        except BaseException:
            options.terminate = True
            raise
        return running.result()[0]


def load_session(path: Path) -> Any:
    """Return an `onnxruntime.InferenceSession` for the voice at `path`. Its runs do not depend on each other.

    Raises MissingModel for a damaged file or one that is not a network.
    """
    import onnx
    import onnxruntime as ort
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError) as error:
        raise MissingModel(
            "The voice {name} can't be loaded: its file is damaged or isn't a Piper voice. Download it again.",
            name=path.stem,
        ) from error
    _replace_noise(model)
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def _replace_noise(model: "ModelProto") -> None:
    """Make every RandomNormalLike read the noise table."""
    from onnx import helper, parser

    noise_nodes = [node for node in model.graph.node if node.op_type == "RandomNormalLike"]
    for node in noise_nodes:
        node.op_type, node.domain = NOISE, DOMAIN
        node.input.append(TABLE)
        node.ClearField("attribute")
    if noise_nodes:
        _add_table(model.graph)
        model.functions.append(parser.parse_function(FUNCTION))
        model.opset_import.append(helper.make_opsetid(DOMAIN, 1))


def _add_table(graph: "GraphProto") -> None:
    import numpy as np
    from onnx import numpy_helper

    noise = np.random.default_rng(SEED).standard_normal((1, CHANNELS, LENGTH), np.float32)
    graph.initializer.append(numpy_helper.from_array(noise, TABLE))
