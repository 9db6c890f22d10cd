"""A network of one input in a .tflite file, run by LiteRT on the CPU."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]


class Network:
    """`side` is the width and height of the square RGB picture that it takes."""

    def __init__(self, path: Path, threads: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter: Any = Interpreter(str(path), num_threads=threads)
        self._interpreter.allocate_tensors()
        given = self._interpreter.get_input_details()[0]
        self._input: int = given["index"]
        self._outputs: list[int] = [told["index"] for told in self._interpreter.get_output_details()]
        self.side = int(given["shape"][1])

    def __call__(self, picture: Values) -> list[Values]:
        """float32 (side, side, 3), in the range that the network was trained on -> its outputs."""
        self._interpreter.set_tensor(self._input, picture[None])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]
