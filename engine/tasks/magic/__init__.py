"""Write prompts from ideas, with a grammar and a lexicon (embedded tier) or a causal language model (full tier)."""
