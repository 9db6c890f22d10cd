"""Identify visitors: a browser by its session cookie, a program by its address."""

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

SESSION_COOKIE = "atelier_session"
"""Name of the cookie that holds a session's secret."""
YEAR_SECONDS = 365 * 24 * 3600
"""Seconds that the cookies live."""
_SESSION_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
"""256 random bits in base64. Earlier versions used the session's id as the cookie. Logs show ids, so these are no
longer accepted.
"""


@dataclass(frozen=True)
class Client:
    """A visitor who passed the access checks. `user` is "web:<session>", or "web:<address>" for a program without
    cookies.

    The session's id is derived from the cookie's secret, which cannot be derived from the id, so logs and figures may
    show ids.

    A visitor without a session `is_program`: no person sees its answers in a conversation.

    Every visitor is an admin: without a token only the owner's own machine can reach the server, and with a token only
    people who know it.
    """

    user: str
    address: str
    language: Language
    is_program: bool

    def request(self, command: str, raw: Mapping[str, Any], files: Mapping[str, Attachment] | None = None) -> Request:
        """Return a request of this visitor. Web requests are private: nobody else sees their prompts or media."""
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
            from_program=self.is_program,
        )


CLIENT = web.RequestKey("visitor", Client)


def client_of(request: web.Request, signer: Signer) -> Client:
    """Return the visitor who sent the request."""
    address = network_of(request.remote)
    secret = request.cookies.get(SESSION_COOKIE, "")
    has_session = _SESSION_SECRET.fullmatch(secret) is not None
    who = signer.sign("session", secret) if has_session else address
    language = preferred_language(request.headers.get("Accept-Language", ""))
    return Client(f"web:{who}", address, language, is_program=not has_session)


def ensure_session(request: web.Request, response: web.StreamResponse) -> None:
    """Give the browser a session if it has none.

    Call this only for the page's own fetches. In a request that follows a link from another site SameSite=Strict hides
    the cookie, and a new one would replace it.
    """
    if not _SESSION_SECRET.fullmatch(request.cookies.get(SESSION_COOKIE, "")):
        set_cookie(request, response, SESSION_COOKIE, secrets.token_urlsafe(32))


def set_cookie(request: web.Request, response: web.StreamResponse, name: str, value: str) -> None:
    """Set a cookie that scripts cannot read and other sites cannot send."""
    response.set_cookie(name, value, max_age=YEAR_SECONDS, httponly=True, samesite="Strict", secure=request.secure)


def preferred_language(header: str) -> Language:
    """Return the best supported language for an Accept-Language header (RFC 9110, section 12.5.4)."""
    ranges = [part.partition(";") for part in header.split(",")]
    ranked = sorted(ranges, key=lambda part: -_quality_of(part[2]))
    supported = (tag.strip() for tag, _, _ in ranked if tag.strip().lower().split("-")[0] in get_args(Language))
    return language_of(next(supported, None))


def _quality_of(parameters: str) -> float:
    """Return the weight of a language range, 0 to 1."""
    match = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", parameters)
    return float(match[1]) if match else 1.0


def network_of(remote: str | None) -> str:
    """Return the address that limits count. An IPv6 household has a whole /64 network, so that counts as one."""
    if remote is None:
        return "unknown"
    address = ipaddress.ip_address(remote.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(address), 64), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)
