"""The virtual camera: motion over a picture, parallax, and transitions between shots."""
