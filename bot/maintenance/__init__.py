"""Chores that run beside the bot: cleanup of old files, and the state of the queue."""
