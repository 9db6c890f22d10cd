"""ONNX graphs run by torch, where its device is: a stand-in for an ONNX Runtime session that needs no second CUDA.

Graphs of straight-line networks as they are published: no loops and no branches. Convolutions and matrix products run
in fp16 on a GPU, all between them in fp32, since norms that are written out as squares and means overflow in fp16. On a
GPU a graph is recorded as one launch when it is run again in the same shapes.
"""

from engine.torch_support.onnx.session import Port, TorchSession, UnknownOperator

__all__ = ["Port", "TorchSession", "UnknownOperator"]
