"""Subtitles: words with times to cues, cues to files and to burnt-in styles."""
