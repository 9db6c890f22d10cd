"""The values of the front end: requests, replies, commands and what the backends here can do."""
