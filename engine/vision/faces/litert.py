"""Run a network with one input from a .tflite file, with LiteRT on the CPU."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]


class Network:
    """A network whose input is a square RGB picture of `side` pixels."""

    def __init__(self, path: Path, threads: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter: Any = Interpreter(str(path), num_threads=threads)
        self._interpreter.allocate_tensors()
        details = self._interpreter.get_input_details()[0]
        self._input: int = details["index"]
        self._outputs: list[int] = [output["index"] for output in self._interpreter.get_output_details()]
        self.side = int(details["shape"][1])

    def __call__(self, picture: Values) -> list[Values]:
        """Run the network on a picture, float32 (side, side, 3), in its training range, and return its outputs."""
        self._interpreter.set_tensor(self._input, picture[None])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]
