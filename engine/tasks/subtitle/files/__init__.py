"""Subtitle files: SRT and WebVTT, read into cues and written from them."""
