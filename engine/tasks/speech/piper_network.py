"""A Piper voice's network, changed so that it can stay loaded and still say the same text in the same way.

VITS draws noise while it speaks, in RandomNormalLike. ONNX Runtime seeds that when a session is made and never again,
so a second sentence would depend on the first. Here the noise is a table of the graph's own, read from its start each
time.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.errors import MissingModel

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto

SEED = 0
CHANNELS, LENGTH = 192, 4096
"""Of the table: VITS's latents have 192 channels, and 4096 frames are 47 s. What is larger goes round."""
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
"""Normal numbers in the shape of `like`, (1, channels, frames)."""


LOOK_SECONDS = 0.1
"""Between two looks at whether a run has to end."""


def run(network: Any, inputs: dict[str, Any], check: Callable[[], None]) -> Any:
    """Run an `onnxruntime.InferenceSession` -> its first output. `check` is called ten times a second.

    What `check` raises ends the run between two of its operators, and is raised when the run has ended.
    """
    import onnxruntime as ort

    options = ort.RunOptions()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(network.run, None, inputs, options)
        try:
            while not wait([running], LOOK_SECONDS).done:
                check()
        except BaseException:
            options.terminate = True
            raise
        return running.result()[0]


def session(path: Path) -> Any:
    """An `onnxruntime.InferenceSession` of the voice at `path`, whose runs do not depend on each other.

    Raises MissingModel for a file that is damaged or no network.
    """
    import onnx
    import onnxruntime as ort
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError) as error:
        raise MissingModel(
            "The voice {name} cannot be loaded: its file is damaged, or none of Piper's. Put it there anew.",
            name=path.stem,
        ) from error
    _steady(model)
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def _steady(model: "ModelProto") -> None:
    """Have every RandomNormalLike read the table."""
    from onnx import helper, parser

    drawn = [node for node in model.graph.node if node.op_type == "RandomNormalLike"]
    for node in drawn:
        node.op_type, node.domain = NOISE, DOMAIN
        node.input.append(TABLE)
        node.ClearField("attribute")
    if drawn:
        _add_table(model.graph)
        model.functions.append(parser.parse_function(FUNCTION))
        model.opset_import.append(helper.make_opsetid(DOMAIN, 1))


def _add_table(graph: "GraphProto") -> None:
    import numpy as np
    from onnx import numpy_helper

    noise = np.random.default_rng(SEED).standard_normal((1, CHANNELS, LENGTH), np.float32)
    graph.initializer.append(numpy_helper.from_array(noise, TABLE))
