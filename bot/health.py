"""`python -m bot.health`: exit with 0 if the studio of this config.toml answers, for container health checks."""

import os
import sys
import urllib.request

from bot.config.settings import Settings, load
from engine.core.errors import AtelierError

WILDCARD_HOSTS = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""The address to ask when the studio listens on every address."""
TIMEOUT_SECONDS = 4.0
"""Seconds that the studio has to answer."""


def check(settings: Settings) -> str:
    """Return why the web page does not answer; empty if it does, or if it is turned off."""
    web = settings.web
    if not web.enabled:
        return ""
    host = WILDCARD_HOSTS.get(web.host, web.host)
    direct = urllib.request.build_opener(
        urllib.request.ProxyHandler({})
    )  # a proxy cannot reach this machine's own ports
    try:
        with direct.open(f"http://{f'[{host}]' if ':' in host else host}:{web.port}/healthz", timeout=TIMEOUT_SECONDS):
            return ""
    except OSError as error:
        return str(error)


def main() -> int:
    """Check the studio, write the reason to stderr if it does not answer, and return the exit code."""
    try:
        why = check(load(None, os.environ, None))
    except AtelierError as error:
        why = str(error)
    if why:
        sys.stderr.write(f"atelier: {why}\n")
    return 1 if why else 0


if __name__ == "__main__":
    sys.exit(main())
