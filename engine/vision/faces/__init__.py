"""Faces: found, their points read, and aligned, for every task that works on them."""
