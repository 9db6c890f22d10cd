"""Swaps faces from one picture into another picture, a GIF or a video."""
