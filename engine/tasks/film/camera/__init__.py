"""What the camera sees: motion over a picture, parallax, and transitions between shots."""
