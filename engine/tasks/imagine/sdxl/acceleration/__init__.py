"""SDXL at the speed of the GPU: CUDA graphs, and networks compiled in the background."""
