"""The front end's values: requests, replies and commands, and the check of what the installed models support."""
