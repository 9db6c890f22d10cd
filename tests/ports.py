"""A port for a server that starts later."""

import random
import socket

FIXED_PORTS = range(20_000, 30_000)
"""Ports below those that the system gives to a socket that asks for any, so that no other test takes one by chance."""


def free_port() -> int:
    """Return a port of FIXED_PORTS on which nothing listens."""
    for port in random.sample(FIXED_PORTS, 100):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)):
                return port
    raise OSError("no free port was found")
