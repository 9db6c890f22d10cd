"""Generates video clips by diffusion from text, or from text and an image."""
