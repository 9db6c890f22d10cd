"""Makes a portrait speak: features of the sound, facial motion from them, and frames from the motion."""
