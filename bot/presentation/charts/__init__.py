"""Charts drawn as PNG pictures."""
