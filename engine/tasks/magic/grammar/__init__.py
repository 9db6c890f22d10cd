"""The embedded tier of magic: a grammar with a lexicon."""
