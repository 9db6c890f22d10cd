"""Translation of what users read, and numbers formatted for people."""
