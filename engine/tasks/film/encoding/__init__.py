"""Frames to H.264 segments, and segments to one file."""
