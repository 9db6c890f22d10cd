"""Prompts: templates and their expansion, wildcard lists, styles, and prompts that magic writes."""
