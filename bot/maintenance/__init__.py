"""Background work of the bot: clean-up of old files, the state of the queue, and the event loop watchdog."""
