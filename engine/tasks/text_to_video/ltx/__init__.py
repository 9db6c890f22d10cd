"""LTX-Video (HaCohen et al., 2024, arXiv:2501.00103) through diffusers: text, or text and a picture, to video."""
