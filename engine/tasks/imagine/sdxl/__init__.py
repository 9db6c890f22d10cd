"""The full tier of `imagine`: SDXL and checkpoints distilled from it, through diffusers."""
