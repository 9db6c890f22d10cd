"""Prompts: templates and their expansion, wildcards, styles, and prompts that magic writes."""
