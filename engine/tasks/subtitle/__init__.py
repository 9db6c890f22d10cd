"""Subtitles: transcribe speech, cut it into cues, write subtitle files and draw the cues into video."""
