"""Speech audio to curves of facial motion."""
