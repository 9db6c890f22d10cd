"""The full tier of `imagine`: SDXL and what is distilled from it, through diffusers."""
