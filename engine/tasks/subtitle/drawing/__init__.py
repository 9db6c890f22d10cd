"""Drawing subtitles: fonts, line breaks and styles as ASS, and FFmpeg to put them on a video."""
