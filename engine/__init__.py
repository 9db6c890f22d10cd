"""The GPU engine: a worker program (`python -m engine`) and the host that the bot drives it with."""
