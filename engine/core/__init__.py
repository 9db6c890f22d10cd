"""The values and interfaces that bot and worker share."""
