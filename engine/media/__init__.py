"""Media files: images, animations, audio and video."""
