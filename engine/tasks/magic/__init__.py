"""Writes prompts out of ideas: a grammar over a lexicon (embedded), or a causal language model (full)."""
