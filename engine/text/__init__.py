"""Analyse text: detect its language, split it into sentences, and make emoji readable for text encoders."""
