"""Faces of one picture put into another, a GIF or a video."""
