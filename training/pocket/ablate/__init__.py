"""Measure what each change contributes: short runs at 64 px on one GPU, each with one change left out."""
