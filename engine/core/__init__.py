"""Values and interfaces that the bot and the worker share."""
