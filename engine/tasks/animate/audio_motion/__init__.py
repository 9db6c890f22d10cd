"""Turns speech audio into curves of facial motion."""
