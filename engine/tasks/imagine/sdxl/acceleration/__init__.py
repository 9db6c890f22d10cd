"""Speeds up SDXL with CUDA graphs and networks compiled in the background."""
