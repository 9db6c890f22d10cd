"""Connect Atelier to chat platforms, one adapter for each. `base` holds the serving loop that all of them share."""
