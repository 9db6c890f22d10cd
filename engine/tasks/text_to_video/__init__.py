"""Text, or text and an image, to a video clip by diffusion."""
