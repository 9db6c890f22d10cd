"""Films from pictures, narration and music: camera moves, transitions and sound in one video file."""
