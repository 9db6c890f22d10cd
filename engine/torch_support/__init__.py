"""Helpers for torch: offloading, CUDA graphs, compilation, transfers and ONNX graphs."""
