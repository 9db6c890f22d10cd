"""Enlarges images, GIFs and short videos two to four times."""
