"""Who asks: a browser by its session cookie, a program by its address."""

import ipaddress
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from aiohttp import web

from bot.core.command import Attachment, Request
from bot.i18n.translate import Language, language_of
from bot.presentation.signing import Signer

SESSION = "atelier_session"
YEAR_SECONDS = 365 * 24 * 3600
_SESSION_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
"""256 random bits in base64. Before, a session's cookie was its id, which logs show: those are not taken any more."""


@dataclass(frozen=True)
class Client:
    """Whoever passed the gate. `user` is `"web:<session>"`, or `"web:<address>"` for a program without cookies.

    The session's id is made from the cookie's secret, which cannot be made from the id: logs and figures may show it.

    Everybody who passes is an admin: without a token only the owner's own machine reaches the server, and with one
    only who holds it.
    """

    user: str
    address: str
    language: Language

    def request(self, command: str, raw: Mapping[str, Any], files: Mapping[str, Attachment] | None = None) -> Request:
        """The visitor's request. What the web answers is private: nobody else sees its prompt or its media."""
        return Request(
            command=command,
            raw_options=raw,
            user=self.user,
            origin="web",
            files=files or {},
            language=self.language,
            admin=True,
            private=True,
            extra_identities=(f"web-address:{self.address}",),
        )


CLIENT = web.RequestKey("visitor", Client)


def client_of(request: web.Request, keys: Signer) -> Client:
    address = network(request.remote)
    secret = request.cookies.get(SESSION, "")
    who = keys.sign("session", secret) if _SESSION_SECRET.fullmatch(secret) else address
    return Client(f"web:{who}", address, preferred_language(request.headers.get("Accept-Language", "")))


def keep_session(request: web.Request, response: web.StreamResponse) -> None:
    """Give a browser that has none a session. Done on the page's own fetch, which a link from elsewhere cannot reach:
    SameSite=Strict hides the cookie there, and a new one would overwrite it.
    """
    if not _SESSION_SECRET.fullmatch(request.cookies.get(SESSION, "")):
        set_cookie(request, response, SESSION, secrets.token_urlsafe(32))


def set_cookie(request: web.Request, response: web.StreamResponse, name: str, value: str) -> None:
    response.set_cookie(name, value, max_age=YEAR_SECONDS, httponly=True, samesite="Strict", secure=request.secure)


def preferred_language(header: str) -> Language:
    """The best language we have for an Accept-Language header (RFC 9110, section 12.5.4)."""
    ranges = [part.partition(";") for part in header.split(",")]
    ranked = sorted(ranges, key=lambda part: -_weight(part[2]))
    ours = (tag.strip() for tag, _, _ in ranked if tag.strip().lower().split("-")[0] in get_args(Language))
    return language_of(next(ours, None))


def _weight(parameters: str) -> float:
    found = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", parameters)
    return float(found[1]) if found else 1.0


def network(remote: str | None) -> str:
    """The address that limits count. An IPv6 household has a whole /64, so that is one."""
    if remote is None:
        return "unknown"
    address = ipaddress.ip_address(remote.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(address), 64), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)
