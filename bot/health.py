"""`python -m bot.health`: exits with 0 where the studio of this config.toml answers, for whoever watches it."""

import os
import sys
import urllib.request

from bot.config.settings import Settings, load
from engine.core.errors import AtelierError

WILDCARD_HOSTS = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Where to ask a studio that listens everywhere."""
TIMEOUT_SECONDS = 4.0
"""Seconds that the studio has to answer."""


def check(settings: Settings) -> str:
    """Why the page does not answer; empty where it does, or where there is to be none."""
    web = settings.web
    if not web.enabled:
        return ""
    host = WILDCARD_HOSTS.get(web.host, web.host)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy does not reach this machine's own
    try:
        with direct.open(f"http://{f'[{host}]' if ':' in host else host}:{web.port}/healthz", timeout=TIMEOUT_SECONDS):
            return ""
    except OSError as error:
        return str(error)


def main() -> int:
    try:
        why = check(load(None, os.environ))
    except AtelierError as error:
        why = str(error)
    if why:
        sys.stderr.write(f"atelier: {why}\n")
    return 1 if why else 0


if __name__ == "__main__":
    sys.exit(main())
