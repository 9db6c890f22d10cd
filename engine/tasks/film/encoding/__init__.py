"""Encode frames as H.264 segments, and join the segments into one file."""
