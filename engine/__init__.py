"""The engine: a worker program (`python -m engine`), and the host that starts and feeds workers from the bot."""
