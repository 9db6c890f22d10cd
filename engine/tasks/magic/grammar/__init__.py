"""The embedded tier of magic: a grammar over a lexicon."""
