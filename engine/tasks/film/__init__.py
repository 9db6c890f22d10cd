"""Films out of pictures, words and sounds: camera moves, transitions, narration, music, one file."""
