"""Run ONNX graphs with torch, in place of an ONNX Runtime session, which would need a second copy of CUDA.

Graphs must not contain loops or branches. On a GPU, convolutions and matrix products run in fp16 and everything else
in fp32, because norms that are written out as squares and means overflow in fp16. A graph that is run repeatedly with
the same shapes is recorded as a CUDA graph.
"""

from engine.torch_support.onnx.session import Port, TorchSession, UnknownOperator

__all__ = ["Port", "TorchSession", "UnknownOperator"]
