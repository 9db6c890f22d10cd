"""Translation of sentences for users, and formatting of numbers."""
